//! The list that the cleanup reads.

use serde_json::json;

use super::{Case, Change, item, set};
use shared::ports::Clock as _;

pub(super) async fn due_items_come_earliest_first(case: Case) {
    let now = case.clock.now().0;
    case.put("late", json!({ "due": now })).await;
    case.put("early", json!({ "due": now - 1_000, "n": 1 })).await;
    case.put("later", json!({ "due": now + 1 })).await;
    case.put("never", json!({ "n": 1 })).await;
    assert_eq!(case.due(10).await, ["early", "late"]);
    assert_eq!(case.due(1).await, ["early"]);
    let first = case.store.due(case.clock.now(), 1).await.unwrap();
    assert_eq!(first, [item("early", json!({ "due": now - 1_000, "n": 1 }))]);
}

pub(super) async fn due_items_may_be_expired(case: Case) {
    let now = case.clock.now().0;
    case.put("a", json!({ "due": now, "expires_at": case.second(10) })).await;
    case.put("b", json!({ "due": now + 30_000, "expires_at": case.second(1000) })).await;
    case.advance(30);
    assert_eq!(case.get("a").await, None);
    assert_eq!(case.due(10).await, ["a", "b"]);
}

pub(super) async fn due_follows_every_change(case: Case) {
    let now = case.clock.now().0;
    for sort in ["kept", "moved", "taken off", "deleted", "replaced"] {
        case.put(sort, json!({ "due": now })).await;
    }
    case.update("kept", vec![set("n", 1)]).await;
    case.update("moved", vec![set("due", now + 60_000)]).await;
    case.update("taken off", vec![Change::Remove("due")]).await;
    case.delete("deleted").await;
    case.put("replaced", json!({ "n": 1 })).await;
    assert_eq!(case.due(10).await, ["kept"]);
    case.advance(60);
    assert_eq!(case.due(10).await, ["kept", "moved"]);
}
