//! What writes do and reads see.

use serde_json::json;

use super::{Case, Change, Write, item, key, set};

pub(super) async fn reads_keep_the_order_of_their_keys(case: Case) {
    case.put("b", json!({"n": 1})).await;
    case.put("a", json!({"n": 2})).await;
    let found = case.store.get(&[key("a"), key("absent"), key("b"), key("a")]).await.unwrap();
    let a = Some(item("a", json!({"n": 2})));
    let b = Some(item("b", json!({"n": 1})));
    assert_eq!(found, [a.clone(), None, b, a]);
    assert_eq!(case.store.get(&[]).await.unwrap(), []);
}

pub(super) async fn a_write_is_read_by_the_next_read(case: Case) {
    for n in 0..20 {
        case.put("a", json!({ "n": n })).await;
        assert_eq!(case.get("a").await, Some(json!({ "n": n })));
    }
}

pub(super) async fn a_put_replaces_the_item_as_a_whole(case: Case) {
    case.put("a", json!({"n": 1, "due": 7, "expires_at": case.second(10)})).await;
    case.put("a", json!({"m": 2})).await;
    assert_eq!(case.get("a").await, Some(json!({"m": 2})));
    case.advance(20);
    assert_eq!(case.get("a").await, Some(json!({"m": 2})));
    assert_eq!(case.due(10).await, [""; 0]);
}

pub(super) async fn an_update_changes_only_what_it_names(case: Case) {
    case.put("a", json!({"kept": "k", "old": 1, "gone": true})).await;
    case.update(
        "a",
        vec![set("old", 2), set("new", "n"), Change::Remove("gone"), Change::Remove("never")],
    )
    .await;
    assert_eq!(case.get("a").await, Some(json!({"kept": "k", "old": 2, "new": "n"})));
}

pub(super) async fn an_update_creates_an_absent_item(case: Case) {
    case.update("a", vec![set("n", 1), Change::Add("count", 5)]).await;
    assert_eq!(case.get("a").await, Some(json!({"n": 1, "count": 5})));
}

pub(super) async fn adding_counts_from_zero(case: Case) {
    case.update("a", vec![Change::Add("count", 3)]).await;
    case.update("a", vec![Change::Add("count", -5)]).await;
    assert_eq!(case.get("a").await, Some(json!({"count": -2})));
    case.update("a", vec![Change::Add("count", 4_000_000_000_000)]).await;
    assert_eq!(case.get("a").await, Some(json!({"count": 3_999_999_999_998_i64})));
}

pub(super) async fn a_delete_of_an_absent_item_is_ok(case: Case) {
    case.delete("a").await;
    case.put("a", json!({"n": 1})).await;
    case.delete("a").await;
    assert_eq!(case.get("a").await, None);
}

pub(super) async fn a_write_returns_the_item_as_it_stands(case: Case) {
    let put = Write::put(item("a", json!({"n": 1})), Vec::new());
    assert_eq!(case.write(put).await.unwrap(), Some(item("a", json!({"n": 1}))));
    assert_eq!(
        case.update("a", vec![Change::Add("n", 1), set("m", 3)]).await,
        item("a", json!({"n": 2, "m": 3}))
    );
    let check = case.write(Write::check(key("a"), Vec::new())).await.unwrap();
    assert_eq!(check, Some(item("a", json!({"n": 2, "m": 3}))));
    assert_eq!(case.write(Write::check(key("b"), Vec::new())).await.unwrap(), None);
    assert_eq!(case.write(Write::delete(key("a"), Vec::new())).await.unwrap(), None);
}

pub(super) async fn any_text_and_number_comes_back_as_it_was(case: Case) {
    let attributes = json!({
        "text": "é🎈 \"quoted\" \\ \n\t\u{0} \u{10FFFF}", "empty": "", "yes": true, "no": false,
        "zero": 0,
        "negative": -1, "large": i64::MAX, "small": i64::MIN, "list": [1, "two", [], {"three": 3}],
        "map": {"nested": {"deep": [true]}}, "empty map": {},
    });
    case.put("sort #é\u{0}key", attributes.clone()).await;
    assert_eq!(case.get("sort #é\u{0}key").await, Some(attributes));
    assert_eq!(case.get("sort #é").await, None);
}
