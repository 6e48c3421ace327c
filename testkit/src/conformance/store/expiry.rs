//! An item past its `expires_at` is absent.

use serde_json::json;

use super::{Case, Change, Condition, Write, equals, item, key, put_if, refusal, set, sorts};

/// Stores the item `a`, and lets it expire.
async fn expired(case: &Case) {
    case.put("a", json!({"n": 1, "expires_at": case.second(60)})).await;
    case.advance(59);
    assert!(case.get("a").await.is_some());
    case.advance(1);
}

pub(super) async fn an_expired_item_is_absent_for_reads(case: Case) {
    expired(&case).await;
    assert_eq!(case.get("a").await, None);
    assert_eq!(sorts(&case.query("", "z", |_| ()).await), [""; 0]);
    assert_eq!(sorts(&case.query("", "z", |query| query.expired = true).await), ["a"]);
}

pub(super) async fn an_expired_item_is_absent_for_conditions(case: Case) {
    expired(&case).await;
    let refused = refusal(case.write(Write::check(key("a"), vec![Condition::Present])).await);
    assert_eq!(refused.current, None);
    refusal(case.write(Write::check(key("a"), vec![equals("n", 1)])).await);
    case.write(Write::check(key("a"), vec![Condition::Absent, Condition::Missing("n")]))
        .await
        .unwrap();
}

pub(super) async fn a_put_over_an_expired_item_replaces_it(case: Case) {
    expired(&case).await;
    case.write(put_if("a", json!({"m": 2}), vec![Condition::Absent])).await.unwrap();
    assert_eq!(case.get("a").await, Some(json!({"m": 2})));
}

pub(super) async fn an_update_of_an_expired_item_begins_anew(case: Case) {
    expired(&case).await;
    let stands =
        case.update("a", vec![Change::Add("n", 5), set("expires_at", case.second(60))]).await;
    assert_eq!(stands, item("a", json!({"n": 5, "expires_at": case.second(60)})));
    assert_eq!(case.get("a").await, Some(json!({"n": 5, "expires_at": case.second(60)})));
}

pub(super) async fn an_expired_item_can_be_removed(case: Case) {
    expired(&case).await;
    assert_eq!(case.write(Write::delete(key("a"), vec![Condition::Absent])).await.unwrap(), None);
    assert_eq!(sorts(&case.query("", "z", |query| query.expired = true).await), [""; 0]);
}

pub(super) async fn a_check_leaves_an_expired_item_where_it_is(case: Case) {
    expired(&case).await;
    assert_eq!(case.write(Write::check(key("a"), vec![Condition::Absent])).await.unwrap(), None);
    assert_eq!(sorts(&case.query("", "z", |query| query.expired = true).await), ["a"]);
}

pub(super) async fn an_item_can_be_kept_alive(case: Case) {
    case.put("a", json!({"n": 1, "expires_at": case.second(60)})).await;
    case.advance(30);
    case.update("a", vec![set("expires_at", case.second(60))]).await;
    case.advance(59);
    assert!(case.get("a").await.is_some());
    case.update("a", vec![Change::Remove("expires_at")]).await;
    case.advance(1_000_000);
    assert_eq!(case.get("a").await, Some(json!({"n": 1})));
}
