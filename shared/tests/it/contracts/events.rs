//! Analytics events.

use serde_json::json;
use shared::analytics::AnalyticsEvent;

use super::{event_schemas, find};
use crate::samples;

#[test]
fn every_event_is_as_its_schema_says() {
    let schemas = event_schemas();
    for (_, schema, event) in samples::events() {
        let contract = find(&schemas, schema);
        contract.check("", &event.detail);
        assert_eq!(contract.at("/title"), event.detail_type);
    }
}

#[test]
fn no_schema_is_without_an_event() {
    for (name, _) in event_schemas() {
        assert!(
            samples::events().iter().any(|(_, schema, _)| *schema == name),
            "nothing is checked by {name}"
        );
    }
}

#[test]
fn every_field_of_a_schema_is_written() {
    for (name, contract) in event_schemas() {
        for field in contract.at("/properties").as_object().unwrap().keys() {
            let mut events = samples::events().into_iter().filter(|(_, schema, _)| *schema == name);
            assert!(
                events.any(|(_, _, event)| event.detail.get(field).is_some()),
                "{name} promises {field}"
            );
        }
    }
}

#[test]
fn a_text_is_in_an_event_only_where_it_was_asked_for() {
    for (name, _, event) in samples::events() {
        let texts =
            ["user_message", "response", "comment"].map(|field| event.detail.get(field).is_some());
        assert_eq!(texts.contains(&true), name.ends_with("_with_texts"), "{name}");
    }
}

#[test]
fn a_detail_of_another_kind_is_refused() {
    let schemas = event_schemas();
    let (_, _, failed) =
        samples::events().into_iter().find(|(name, ..)| name == "chat_failed").unwrap();
    assert!(find(&schemas, "chat-message").refusal("", &failed.detail).is_some());
    let mut wrong = failed.detail.clone();
    wrong["timestamp"] = json!("yesterday");
    assert!(find(&schemas, "chat-failed").refusal("", &wrong).is_some());
}

#[test]
fn every_event_is_read_and_written_as_it_was() {
    for (name, _, event) in samples::events() {
        let text = event.detail.to_string();
        let read = AnalyticsEvent::parse(event.detail_type, &text).unwrap().unwrap();
        assert_eq!(read.detail().to_string(), text, "{name}");
        assert_eq!((read.detail_type(), read.id()), (event.detail_type, event.id.as_str()));
        let from_detail = AnalyticsEvent::from_detail(event.detail_type, &event.detail).unwrap();
        assert_eq!(from_detail, Some(read), "{name}");
    }
}

#[test]
fn what_a_later_version_adds_is_passed_over() {
    for (name, _, event) in samples::events() {
        let mut later = event.detail.clone();
        later["of_a_later_version"] = json!({ "any": 1 });
        let read = AnalyticsEvent::from_detail(event.detail_type, &later).unwrap().unwrap();
        assert_eq!(read.detail(), event.detail, "{name}");
    }
    let detail = json!({ "session_key": "k" });
    assert_eq!(AnalyticsEvent::from_detail("Chat Rewound", &detail).unwrap(), None);
}
