//! The event bus.

use aws::events::EventBridgeEvents;
use aws::trace;
use serde_json::{Value, json};
use shared::ports::{EventEntry, Events as _};

use crate::support::service::{Answer, CANARY, Call, Service, check_clean};

fn events(service: &Service) -> EventBridgeEvents {
    EventBridgeEvents::new(&service.sdk(), "bus")
}

fn entry(id: &str, words: usize) -> EventEntry {
    let detail = json!({"metadata": {"id": id}, "response": "w".repeat(words)});
    EventEntry { id: id.to_owned(), detail_type: "Chat Message", detail }
}

fn number(call: &Call) -> usize {
    call.body["Entries"].as_array().map_or(0, Vec::len)
}

/// Takes every entry but those at these places.
fn taken(call: &Call, failed: &[usize]) -> Answer {
    let result = |place| {
        if failed.contains(&place) {
            json!({"ErrorCode": "ThrottlingException", "ErrorMessage": CANARY})
        } else {
            json!({"EventId": "1"})
        }
    };
    let entries: Vec<Value> = (0..number(call)).map(result).collect();
    Answer::ok(json!({"FailedEntryCount": failed.len(), "Entries": entries}))
}

#[tokio::test]
async fn an_event_has_its_source_its_bus_and_its_trace() {
    let service = Service::new(|call, _| taken(call, &[]));
    let put = async { events(&service).put(&[entry("e", 1)]).await };
    assert_eq!(trace::scope(Some("Root=1-2-3".to_owned()), put).await.unwrap(), [0; 0]);
    let entry = &service.calls()[0].body["Entries"][0];
    let detail = r#"{"metadata":{"id":"e"},"response":"w"}"#;
    assert_eq!(
        *entry,
        json!({
            "Source": "learning-yogi.chatbot", "DetailType": "Chat Message", "Detail": detail,
            "EventBusName": "bus", "TraceHeader": "Root=1-2-3",
        })
    );
}

#[tokio::test]
async fn a_partial_failure_names_the_entries_that_were_not_taken() {
    let service = Service::new(|call, _| taken(call, &[0, 2]));
    let entries: Vec<_> = (0..4).map(|n| entry(&n.to_string(), 1)).collect();
    assert_eq!(events(&service).put(&entries).await.unwrap(), [0, 2]);
}

#[tokio::test]
async fn an_entry_without_a_result_was_not_taken() {
    let service = Service::new(|_, _| {
        Answer::ok(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}))
    });
    assert_eq!(events(&service).put(&[entry("a", 1), entry("b", 1)]).await.unwrap(), [1]);
}

#[tokio::test]
async fn large_entries_are_spread_over_calls_and_too_large_ones_left_out() {
    let service = Service::new(|call, n| if n == 0 { taken(call, &[]) } else { taken(call, &[1]) });
    let entries = [
        entry("a", 100_000),
        entry("b", 300_000),
        entry("c", 100_000),
        entry("d", 100_000),
        entry("e", 1),
    ];
    assert_eq!(events(&service).put(&entries).await.unwrap(), [1, 4]);
    assert_eq!(service.calls().iter().map(number).collect::<Vec<_>>(), [2, 2]);
    assert!(service.calls().iter().all(|call| call.text.len() < 300_000));
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_is_away_is_an_error_without_its_words() {
    let service = Service::new(|_, _| Answer::error(500, "InternalException"));
    let error = events(&service).put(&[entry(CANARY, 1)]).await.unwrap_err();
    check_clean(&error);
    assert_eq!(service.calls().len(), 2);
}
