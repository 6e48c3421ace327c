//! What is too large.

use serde_json::json;

use super::{Case, StoreError, Write, item, key, put_if, set, text};
use shared::ports::store::{MAX_ITEM_BYTES, MAX_TRANSACTION_WRITES};

pub(super) async fn an_item_over_400_kb_is_refused(case: Case) {
    case.put("a", json!({ "text": text(MAX_ITEM_BYTES - 100) })).await;
    let put = Write::put(item("b", json!({ "text": text(MAX_ITEM_BYTES) })), Vec::new());
    assert!(matches!(case.write(put).await, Err(StoreError::Corrupt(_))));
    let update = Write::update(key("a"), Vec::new(), vec![set("more", text(200))]);
    assert!(matches!(case.write(update).await, Err(StoreError::Corrupt(_))));
    assert_eq!(case.get("a").await, Some(json!({ "text": text(MAX_ITEM_BYTES - 100) })));
    assert_eq!(case.get("b").await, None);
}

pub(super) async fn a_large_item_in_a_transaction_refuses_all_of_it(case: Case) {
    let writes = vec![
        put_if("a", json!({"n": 1}), Vec::new()),
        put_if("b", json!({ "text": text(MAX_ITEM_BYTES) }), Vec::new()),
    ];
    assert!(matches!(case.transact(writes).await, Err(StoreError::Corrupt(_))));
    assert_eq!(case.get("a").await, None);
}

pub(super) async fn a_transaction_has_at_most_100_different_items(case: Case) {
    let writes = |number: usize| {
        (0..number).map(|n| put_if(&n.to_string(), json!({}), Vec::new())).collect::<Vec<_>>()
    };
    assert!(matches!(
        case.transact(writes(MAX_TRANSACTION_WRITES + 1)).await,
        Err(StoreError::Corrupt(_))
    ));
    let mut twice = writes(2);
    twice.extend(writes(1));
    assert!(matches!(case.transact(twice).await, Err(StoreError::Corrupt(_))));
    assert_eq!(case.query("", "z", |_| ()).await.items.len(), 0);
    case.transact(writes(MAX_TRANSACTION_WRITES)).await.unwrap();
    assert_eq!(case.query("", "z", |_| ()).await.items.len(), MAX_TRANSACTION_WRITES);
}
