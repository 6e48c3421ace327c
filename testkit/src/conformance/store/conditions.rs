//! What conditions see, and who wins.

use serde_json::json;

use super::{Case, Change, Condition, Write, equals, item, key, put_if, refusal};

impl Case {
    async fn check(&self, sort: &str, condition: Condition, holds: bool) {
        let result = self.write(Write::check(key(sort), vec![condition.clone()])).await;
        assert_eq!(result.is_ok(), holds, "{condition:?} of {sort:?}");
    }
}

pub(super) async fn conditions_see_the_item_as_it_stands(case: Case) {
    case.put("a", json!({"n": 5, "s": "x", "flag": true})).await;
    case.check("a", Condition::Present, true).await;
    case.check("a", Condition::Absent, false).await;
    case.check("a", equals("n", 5), true).await;
    case.check("a", equals("n", "5"), false).await;
    case.check("a", equals("s", "x"), true).await;
    case.check("a", equals("flag", true), true).await;
    case.check("a", equals("none", 5), false).await;
    case.check("a", Condition::Differs("n", json!(4)), true).await;
    case.check("a", Condition::Differs("n", json!(5)), false).await;
    case.check("a", Condition::Differs("none", json!(5)), true).await;
    case.check("a", Condition::Missing("none"), true).await;
    case.check("a", Condition::Missing("n"), false).await;
    case.check("a", Condition::AtMost("n", 5), true).await;
    case.check("a", Condition::AtMost("n", 4), false).await;
    case.check("a", Condition::AtMost("none", 4), true).await;
}

pub(super) async fn conditions_on_an_absent_item(case: Case) {
    case.check("a", Condition::Present, false).await;
    case.check("a", Condition::Absent, true).await;
    case.check("a", equals("n", 5), false).await;
    case.check("a", Condition::Differs("n", json!(5)), true).await;
    case.check("a", Condition::Missing("n"), true).await;
    case.check("a", Condition::AtMost("n", 0), true).await;
    assert_eq!(case.get("a").await, None, "a check writes nothing");
}

pub(super) async fn a_refusal_tells_the_current_item(case: Case) {
    case.put("a", json!({"n": 1})).await;
    let refused = refusal(case.write(put_if("a", json!({"n": 2}), vec![Condition::Absent])).await);
    assert_eq!((refused.index, refused.current), (0, Some(item("a", json!({"n": 1})))));
    let refused = refusal(case.write(Write::delete(key("b"), vec![Condition::Present])).await);
    assert_eq!((refused.index, refused.current), (0, None));
    assert_eq!(case.get("a").await, Some(json!({"n": 1})));
}

pub(super) async fn all_conditions_must_hold(case: Case) {
    case.put("a", json!({"n": 1, "m": 1})).await;
    let half = vec![equals("n", 1), equals("m", 2)];
    refusal(case.write(put_if("a", json!({"n": 2}), half)).await);
    let both = vec![equals("n", 1), equals("m", 1)];
    case.write(put_if("a", json!({"n": 2}), both)).await.unwrap();
    assert_eq!(case.get("a").await, Some(json!({"n": 2})));
}

pub(super) async fn an_update_without_changes_proves_its_conditions(case: Case) {
    case.put("a", json!({"n": 1})).await;
    let prove = |n: i64| Write::update(key("a"), vec![equals("n", n)], Vec::new());
    assert_eq!(case.write(prove(1)).await.unwrap(), Some(item("a", json!({"n": 1}))));
    assert_eq!(refusal(case.write(prove(2)).await).current, Some(item("a", json!({"n": 1}))));
    case.transact(vec![prove(1), put_if("b", json!({"n": 2}), vec![Condition::Absent])])
        .await
        .unwrap();
    refusal(case.transact(vec![prove(2)]).await);
    assert_eq!(case.get("a").await, Some(json!({"n": 1})));
}

pub(super) async fn concurrent_conditional_writes_have_one_winner(case: Case) {
    let writes =
        (0..20).map(|n| case.write(put_if("a", json!({ "n": n }), vec![Condition::Absent])));
    let results = futures::future::join_all(writes).await;
    let winners: Vec<usize> = (0..20).filter(|n| results[*n].is_ok()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(case.get("a").await, Some(json!({"n": winners[0]})));
}

pub(super) async fn concurrent_additions_are_all_counted(case: Case) {
    let add = || {
        case.write(Write::update(
            key("a"),
            vec![Condition::AtMost("n", 14)],
            vec![Change::Add("n", 1)],
        ))
    };
    let results = futures::future::join_all((0..20).map(|_| add())).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 15);
    assert_eq!(case.get("a").await, Some(json!({"n": 15})));
}
