//! All or nothing.

use serde_json::json;

use super::{Case, Change, Condition, Write, equals, item, key, put_if, refusal, set};

pub(super) async fn a_transaction_writes_everything(case: Case) {
    case.put("b", json!({"n": 1})).await;
    case.put("c", json!({"n": 1})).await;
    let writes = vec![
        put_if("a", json!({"n": 1}), vec![Condition::Absent]),
        Write::update(key("b"), vec![equals("n", 1)], vec![Change::Add("n", 1)]),
        Write::delete(key("c"), vec![Condition::Present]),
        Write::check(key("d"), vec![Condition::Absent]),
    ];
    case.transact(writes).await.unwrap();
    assert_eq!(case.get("a").await, Some(json!({"n": 1})));
    assert_eq!(case.get("b").await, Some(json!({"n": 2})));
    assert_eq!(case.get("c").await, None);
    assert_eq!(case.get("d").await, None);
}

pub(super) async fn a_refused_transaction_writes_nothing(case: Case) {
    case.put("b", json!({"n": 1})).await;
    let writes = vec![
        put_if("a", json!({"n": 1}), Vec::new()),
        Write::delete(key("b"), Vec::new()),
        Write::check(key("c"), vec![Condition::Present]),
    ];
    let refused = refusal(case.transact(writes).await);
    assert_eq!((refused.index, refused.current), (2, None));
    assert_eq!(case.get("a").await, None);
    assert_eq!(case.get("b").await, Some(json!({"n": 1})));
}

pub(super) async fn the_first_refusal_is_told(case: Case) {
    case.put("b", json!({"n": 1})).await;
    let writes = vec![
        Write::update(key("a"), Vec::new(), vec![set("n", 1)]),
        put_if("b", json!({"n": 2}), vec![Condition::Absent]),
        Write::check(key("c"), vec![Condition::Present]),
    ];
    let refused = refusal(case.transact(writes).await);
    assert_eq!((refused.index, refused.current), (1, Some(item("b", json!({"n": 1})))));
}

pub(super) async fn a_transaction_checks_without_writing(case: Case) {
    case.put("a", json!({"n": 1, "expires_at": case.second(10)})).await;
    case.transact(vec![Write::check(key("a"), vec![Condition::Present])]).await.unwrap();
    assert_eq!(case.get("a").await, Some(json!({"n": 1, "expires_at": case.second(10)})));
    case.advance(10);
    let refused =
        refusal(case.transact(vec![Write::check(key("a"), vec![Condition::Present])]).await);
    assert_eq!(refused.current, None);
}

pub(super) async fn concurrent_transactions_have_one_winner(case: Case) {
    case.put("session", json!({"next": 1})).await;
    let claim = |n: usize| {
        let sort = format!("turn {n}");
        let take =
            Write::update(key("session"), vec![equals("next", 1)], vec![Change::Add("next", 1)]);
        let turn = put_if(&sort, json!({ "n": n }), vec![Condition::Absent]);
        case.transact(vec![take, turn])
    };
    let results = futures::future::join_all((0..10).map(claim)).await;
    let won: Vec<String> =
        (0..10).filter(|n| results[*n].is_ok()).map(|n| format!("turn {n}")).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(case.get("session").await, Some(json!({"next": 2})));
    let turns = case.query("turn", "turo", |_| ()).await;
    assert_eq!(super::sorts(&turns), [won[0].as_str()]);
}

pub(super) async fn an_empty_transaction_is_ok(case: Case) {
    case.transact(Vec::new()).await.unwrap();
}
