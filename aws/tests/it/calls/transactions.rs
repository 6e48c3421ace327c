//! Transactions.

use serde_json::{Value, json};
use shared::ports::Durability;
use shared::ports::store::{
    Change, Condition, FailedCondition, Key, Store as _, StoreError, Write,
};

use super::store::{item, store, stored};
use crate::support::service::{Answer, CANARY, Service, check_clean};

/// Takes the session's next turn, and creates the turn.
fn claim() -> Vec<Write> {
    let take = Write::update(
        Key::new("p", "META"),
        vec![Condition::Present],
        vec![Change::Add("next_turn", 1)],
    );
    vec![take, Write::put(item("T#1", &json!({"words": CANARY})), vec![Condition::Absent])]
}

/// Returns the answer to a transaction that did nothing; a reason is a code and an item.
fn cancelled(reasons: &[(&str, Option<Value>)]) -> Answer {
    let reason = |(code, item): &(&str, Option<Value>)| match item {
        Some(item) => json!({"Code": code, "Item": item, "Message": CANARY}),
        None => json!({"Code": code}),
    };
    let reasons: Vec<Value> = reasons.iter().map(reason).collect();
    let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    Answer::With(400, json!({"__type": code, "Message": CANARY, "CancellationReasons": reasons}))
}

async fn transact(service: &Service, writes: Vec<Write>) -> Result<(), StoreError> {
    store(service).transact(writes, Durability::Synced).await
}

async fn refusal(service: &Service, writes: Vec<Write>) -> FailedCondition {
    transact(service, writes).await.unwrap_err().failed_condition().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_lost_acknowledgement_is_a_success_and_no_lost_race() {
    let service = Service::new(|_, n| if n == 0 { Answer::Breaks } else { Answer::ok(json!({})) });
    transact(&service, claim()).await.unwrap();
    let calls = service.calls();
    assert_eq!(calls.len(), 2);
    assert!(calls[0].body["ClientRequestToken"].is_string());
    assert_eq!(calls[0].body, calls[1].body, "the token is what makes the repetition harmless");
}

#[tokio::test]
async fn equal_transactions_are_two() {
    let service = Service::new(|_, _| Answer::ok(json!({})));
    transact(&service, claim()).await.unwrap();
    transact(&service, claim()).await.unwrap();
    let calls = service.calls();
    assert_eq!(
        calls[0].body["TransactItems"][1]["Put"]["Item"],
        calls[1].body["TransactItems"][1]["Put"]["Item"]
    );
    assert_ne!(calls[0].body["ClientRequestToken"], calls[1].body["ClientRequestToken"]);
}

#[tokio::test]
async fn the_first_refusal_is_told_with_its_item() {
    let refused = ("ConditionalCheckFailed", Some(stored("T#1", false)));
    let service = Service::new(move |_, _| cancelled(&[("None", None), refused.clone()]));
    let FailedCondition { index, current } = refusal(&service, claim()).await;
    assert_eq!((index, current.unwrap().key.sort.as_str()), (1, "T#1"));
}

#[tokio::test]
async fn a_refusal_keeps_its_place_behind_checks_that_ask_nothing() {
    let service =
        Service::new(|_, _| cancelled(&[("ConditionalCheckFailed", None), ("None", None)]));
    let mut writes = vec![Write::check(Key::new("p", "idle"), Vec::new())];
    writes.extend(claim());
    assert_eq!(refusal(&service, writes).await, FailedCondition { index: 1, current: None });
    assert_eq!(service.calls()[0].body["TransactItems"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_conflict_before_a_refusal_is_worth_another_try() {
    let service = Service::new(|_, _| {
        cancelled(&[("TransactionConflict", None), ("ConditionalCheckFailed", None)])
    });
    let error = transact(&service, claim()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    check_clean(&error);
    let service = Service::new(|_, _| {
        cancelled(&[("ConditionalCheckFailed", None), ("TransactionConflict", None)])
    });
    assert_eq!(refusal(&service, claim()).await.index, 0);
}

#[tokio::test]
async fn throttling_is_worth_another_try_and_a_wrong_write_is_not() {
    for (code, wrong) in [
        ("ThrottlingError", false),
        ("ProvisionedThroughputExceeded", false),
        ("ValidationError", true),
    ] {
        let service = Service::new(move |_, _| {
            cancelled(&[("None", None), (code, Some(stored("T#1", false)))])
        });
        let error = transact(&service, claim()).await.unwrap_err();
        assert_eq!(matches!(error, StoreError::Corrupt(_)), wrong, "{code}");
        check_clean(&error);
    }
}

#[tokio::test]
async fn an_expired_item_begins_anew_inside_a_transaction_too() {
    let service = Service::new(|_, n| match n {
        0 => cancelled(&[("ConditionalCheckFailed", Some(stored("rate", true))), ("None", None)]),
        _ => Answer::ok(json!({})),
    });
    let count = Write::update(
        Key::new("p", "rate"),
        vec![Condition::AtMost("n", 9)],
        vec![Change::Add("n", 1)],
    );
    let put = Write::put(item("M#1", &json!({})), Vec::new());
    transact(&service, vec![count, put]).await.unwrap();
    let first = &service.calls()[0].body["TransactItems"][0];
    let second = &service.calls()[1].body["TransactItems"][0];
    assert!(first["Update"].is_object());
    assert_eq!(second["Put"]["Item"]["n"], json!({"N": "1"}));
}

#[tokio::test]
async fn a_real_refusal_goes_before_an_expired_item() {
    let reasons =
        [("ConditionalCheckFailed", Some(stored("rate", true))), ("ConditionalCheckFailed", None)];
    let service = Service::new(move |_, _| cancelled(&reasons));
    let count = Write::update(Key::new("p", "rate"), Vec::new(), vec![Change::Add("n", 1)]);
    let check = Write::check(Key::new("p", "META"), vec![Condition::Present]);
    assert_eq!(
        refusal(&service, vec![count, check]).await,
        FailedCondition { index: 1, current: None }
    );
}

#[tokio::test]
async fn an_idle_transaction_is_no_call() {
    let service = Service::new(|_, _| Answer::Breaks);
    transact(&service, vec![Write::check(Key::new("p", "s"), Vec::new())]).await.unwrap();
    assert_eq!(service.operations(), [""; 0]);
}
