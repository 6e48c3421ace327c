//! What earlier versions stored, sent and published is still read.

use serde_json::Value;
use shared::analytics::AnalyticsEvent;
use shared::operator::Figures;
use shared::ports::OutgoingMessage;
use shared::ports::store::{Attributes, Item, Key};
use shared::protocol::{ConnectionRow, MessageRow, SessionRow, Turn, TurnRow};
use shared::queue_messages::{ReplyMessage, RequestMessage};

use crate::contracts::{event_schemas, find};

const ITEMS: &str = include_str!("../../../testkit/fixtures/v0.1/items.json");
const QUEUE: &str = include_str!("../../../testkit/fixtures/v0.1/queue.json");
const EVENTS: &str = include_str!("../../../testkit/fixtures/v0.1/events.json");

fn list(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

/// Returns the items whose sort key begins so.
fn items(sort: &str) -> Vec<Item> {
    let all = list(ITEMS).into_iter().map(|item| {
        let name = |name: &str| item["item"][name]["S"].as_str().unwrap().to_owned();
        let key = Key::new(name("session_id"), name("item"));
        let attributes: Attributes = item["attributes"].as_object().unwrap().clone();
        Item { key, attributes }
    });
    all.filter(|item| item.key.sort.starts_with(sort)).collect()
}

#[test]
fn sessions_of_version_0_1_are_read() {
    let rows = items("META").into_iter().map(|item| item.into_row::<SessionRow>().unwrap());
    let (deleted, live): (Vec<_>, Vec<_>) = rows.partition(|session| session.deleted);
    assert_eq!((live.len(), deleted.len()), (1, 1));
    assert_eq!(live[0].owner().unwrap().principal.as_str(), "op:ann");
    assert_eq!(deleted[0].owner(), None);
}

#[test]
fn messages_of_version_0_1_are_read() {
    let messages = items("M#").into_iter().map(|item| item.into_row::<MessageRow>().unwrap());
    let messages: Vec<_> = messages.collect();
    assert_eq!(messages.len(), 7);
    assert_eq!(messages.iter().filter(|message| message.cancel).count(), 2);
    assert_eq!(messages.iter().filter(|message| message.replay.is_some()).count(), 1);
    assert_eq!(messages.iter().filter(|message| message.turn.is_none()).count(), 2);
}

#[test]
fn turns_of_version_0_1_are_read_as_they_were_stored() {
    for item in items("T#") {
        let turn: TurnRow = item.to_row().unwrap();
        assert_eq!(Item::from_row(item.key.clone(), &turn).unwrap(), item);
        assert_eq!(turn.is_final(), item.attributes.contains_key("kind"));
        let turn: Turn = item.to_row().unwrap();
        assert_eq!(Item::from_row(item.key.clone(), &turn).unwrap(), item);
    }
    assert_eq!(items("T#").len(), 13);
}

#[test]
fn connections_of_version_0_1_are_read() {
    for item in items("C#") {
        let connection: ConnectionRow = item.to_row().unwrap();
        assert_eq!(item.key.sort, format!("C#{}", connection.connection_id));
    }
    assert_eq!(items("C#").len(), 1);
}

#[test]
fn queue_bodies_of_version_0_1_are_read_and_written_as_they_were() {
    let queues: Value = serde_json::from_str(QUEUE).unwrap();
    for sent in queues["requests"].as_array().unwrap() {
        let request = RequestMessage::parse(sent["body"].as_str().unwrap()).unwrap();
        assert_eq!(request.to_body(), sent["body"]);
        if let RequestMessage::Submit(submit) = request {
            check_sent(&submit.outgoing(), sent);
        }
    }
    for sent in queues["replies"].as_array().unwrap() {
        let reply = ReplyMessage::parse(sent["body"].as_str().unwrap()).unwrap();
        check_sent(&reply.outgoing(), sent);
    }
}

/// Two versions that send the same message must agree on its group and its deduplication id.
#[track_caller]
fn check_sent(outgoing: &OutgoingMessage, sent: &Value) {
    assert_eq!(outgoing.body, sent["body"]);
    assert_eq!(outgoing.group, sent["group"]);
    assert_eq!(outgoing.deduplication_id, sent["deduplication_id"]);
}

#[test]
fn events_of_version_0_1_are_read_and_counted() {
    let schemas = event_schemas();
    let mut counted = Figures::default();
    for event in list(EVENTS) {
        let detail_type = event["detail_type"].as_str().unwrap();
        let detail: Value = serde_json::from_str(event["detail"].as_str().unwrap()).unwrap();
        let schema = detail_type.to_lowercase().replace(' ', "-");
        find(&schemas, &schema).check("", &detail);
        let text = event["detail"].as_str().unwrap();
        let typed = AnalyticsEvent::parse(detail_type, text).unwrap().unwrap();
        assert_eq!(typed.detail().to_string(), text, "it is written byte for byte as it was");
        assert_eq!((typed.id(), typed.detail_type()), (event["id"].as_str().unwrap(), detail_type));
        counted.count(&typed);
    }
    assert_eq!((counted.turns, counted.synthetic, counted.cached), (14, 4, 2));
    assert_eq!((counted.up, counted.down), (3, 1));
    assert_eq!((counted.expired, counted.deleted), (1, 1));
}
