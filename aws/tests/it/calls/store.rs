//! Reads and single writes.

use std::sync::Arc;
use std::time::Duration;

use aws::store::DynamoStore;
use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::memory::FixedClock;
use shared::ports::Durability;
use shared::ports::store::{Change, Condition, Item, Key, Query, Store as _, StoreError, Write};
use tokio::time::Instant;

use crate::support::service::{Answer, CANARY, Service, check_clean};

/// The time in all stories.
pub(super) const NOW: Timestamp = Timestamp(1_800_000_000_500);

/// Returns a store on a service.
pub(super) fn store(service: &Service) -> DynamoStore {
    DynamoStore::new(&service.sdk(), "sessions", Arc::new(FixedClock(NOW)))
}

/// Returns an item of the partition `p`.
pub(super) fn item(sort: &str, attributes: &Value) -> Item {
    Item { key: Key::new("p", sort), attributes: attributes.as_object().unwrap().clone() }
}

/// Returns an item as the service has it, past its end or not.
pub(super) fn stored(sort: &str, expired: bool) -> Value {
    let end = NOW.0 / 1000 + i64::from(!expired);
    json!({
        "session_id": {"S": "p"}, "item": {"S": sort}, "words": {"S": CANARY},
        "expires_at": {"N": end.to_string()},
    })
}

/// Returns the answer to a single write whose condition does not hold.
fn check_failed(item: &Value) -> Answer {
    let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    Answer::With(400, json!({"__type": code, "message": CANARY, "Item": item}))
}

async fn write(service: &Service, write: Write) -> Result<Option<Item>, StoreError> {
    store(service).write(write, Durability::Synced).await
}

fn add() -> Write {
    Write::update(Key::new("p", "s"), Vec::new(), vec![Change::Add("n", 1)])
}

#[tokio::test]
async fn a_single_write_is_never_repeated() {
    let service = Service::new(|_, _| Answer::Breaks);
    let error = write(&service, add()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    check_clean(&error);
    assert_eq!(service.operations(), ["UpdateItem"]);
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_is_given_up_after_two_seconds() {
    let service = Service::new(|_, _| Answer::Hangs);
    let begin = Instant::now();
    let error = write(&service, add()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(begin.elapsed() <= Duration::from_millis(2_100), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_once() {
    let throttled = "ProvisionedThroughputExceededException";
    let heals = Service::new(|_, n| match n {
        0 => Answer::error(400, "ProvisionedThroughputExceededException"),
        _ => Answer::ok(json!({"Item": stored("s", false)})),
    });
    let found = store(&heals).get(&[Key::new("p", "s")]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().attributes["words"], CANARY);
    let stays = Service::new(move |_, _| Answer::error(400, throttled));
    let error = store(&stays).get(&[Key::new("p", "s")]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    check_clean(&error);
    assert_eq!(stays.operations(), ["GetItem", "GetItem"]);
}

#[tokio::test]
async fn every_read_is_consistent() {
    let service = Service::new(|_, _| Answer::ok(json!({"Items": []})));
    store(&service).get(&[Key::new("p", "a"), Key::new("p", "b")]).await.unwrap();
    store(&service).query(&Query::prefix("p", "T#", 10)).await.unwrap();
    let calls = service.calls();
    assert_eq!(service.operations(), ["GetItem", "GetItem", "Query"]);
    assert!(calls.iter().all(|call| call.body["ConsistentRead"] == true));
}

#[tokio::test]
async fn a_refusal_tells_a_lost_acknowledgement_from_a_lost_race() {
    let service = Service::new(|_, _| check_failed(&stored("s", false)));
    let put = Write::put(item("s", &json!({"words": CANARY})), vec![Condition::Absent]);
    let refused = write(&service, put).await.unwrap_err().failed_condition().unwrap();
    assert_eq!(refused.current.unwrap().attributes["words"], CANARY);
    assert_eq!(service.calls()[0].body["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
}

#[tokio::test]
async fn an_expired_item_is_not_told() {
    let service = Service::new(|_, _| check_failed(&stored("s", true)));
    let delete = Write::delete(Key::new("p", "s"), vec![Condition::Present]);
    assert_eq!(
        write(&service, delete).await.unwrap_err().failed_condition().unwrap().current,
        None
    );
}

#[tokio::test]
async fn an_update_of_an_expired_item_replaces_it_while_it_is_expired() {
    let service = Service::new(|call, _| match call.operation.as_str() {
        "UpdateItem" => check_failed(&stored("s", true)),
        _ => Answer::ok(json!({})),
    });
    let stands = write(&service, add()).await.unwrap().unwrap();
    assert_eq!(stands, item("s", &json!({"n": 1})));
    let put = &service.calls()[1].body;
    assert_eq!(put["Item"], json!({"session_id": {"S": "p"}, "item": {"S": "s"}, "n": {"N": "1"}}));
    let condition = put["ConditionExpression"].as_str().unwrap();
    assert!(condition.contains("attribute_not_exists"), "{condition}");
}

#[tokio::test]
async fn an_item_that_expires_and_returns_forever_is_given_up() {
    let service =
        Service::new(|call, _| check_failed(&stored("s", call.operation == "UpdateItem")));
    assert!(matches!(write(&service, add()).await, Err(StoreError::Unavailable(_))));
    assert_eq!(service.operations(), ["UpdateItem", "PutItem", "UpdateItem", "PutItem"]);
}

#[tokio::test]
async fn an_item_that_is_too_large_does_not_travel() {
    let service = Service::new(|_, _| Answer::ok(json!({})));
    let put = Write::put(item("s", &json!({"words": CANARY.repeat(100_000)})), Vec::new());
    let error = write(&service, put).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)));
    check_clean(&error);
    assert_eq!(service.operations(), [""; 0]);
}

#[tokio::test]
async fn a_request_that_is_wrong_is_told_from_a_service_that_is_away() {
    for (status, code, wrong) in [
        (400, "com.amazon.coral.validate#ValidationException", true),
        (413, "RequestEntityTooLarge", true),
        (400, "ResourceNotFoundException", false),
        (400, "AccessDeniedException", false),
        (400, "ThrottlingException", false),
        (400, "TransactionConflictException", false),
        (500, "InternalServerError", false),
        (503, "", false),
    ] {
        let service = Service::new(move |_, _| Answer::error(status, code));
        let error = write(&service, add()).await.unwrap_err();
        assert_eq!(matches!(error, StoreError::Corrupt(_)), wrong, "{code}");
        check_clean(&error);
    }
}

#[tokio::test]
async fn what_is_not_an_item_is_corrupt() {
    for item in [
        json!({"item": {"S": "s"}}),
        json!({"session_id": {"S": "p"}, "item": {"S": "s"}, "b": {"B": "AA=="}}),
    ] {
        let service = Service::new(move |_, _| Answer::ok(json!({"Item": item})));
        let error = store(&service).get(&[Key::new("p", "s")]).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    }
}
