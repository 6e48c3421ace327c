//! Bodies on the two queues.

use serde_json::{Value, json};
use shared::queue_messages::{BodyError, ReplyMessage, RequestMessage};

use super::{find, json, queue_schemas};
use crate::samples;

/// Every body of ours, with the name of its schema.
fn bodies() -> Vec<(String, Value)> {
    let requests = samples::requests().into_iter().map(|(name, request)| (name, request.to_body()));
    let replies = samples::replies().into_iter().map(|(name, reply)| (name, reply.to_body()));
    let schema =
        |name: &str| name.trim_end_matches("_bare").trim_end_matches("_replay").replace('_', "-");
    requests.chain(replies).map(|(name, body)| (schema(name), json(&body))).collect()
}

/// Reads a body as the queue of its schema's name does.
fn read(schema: &str, body: &Value) -> Result<(), BodyError> {
    let body = body.to_string();
    if schema.starts_with("request") {
        RequestMessage::parse(&body).map(drop)
    } else {
        ReplyMessage::parse(&body).map(drop)
    }
}

#[test]
fn every_body_is_as_its_schema_says() {
    let schemas = queue_schemas();
    for (schema, body) in bodies() {
        find(&schemas, &schema).check("", &body);
    }
    for (name, _) in schemas {
        assert!(bodies().iter().any(|(schema, _)| schema == name), "nothing is checked by {name}");
    }
}

#[test]
fn every_example_of_a_schema_is_read() {
    for (name, contract) in queue_schemas() {
        for example in contract.at("/examples").as_array().unwrap() {
            contract.check("", example);
            read(name, example).unwrap();
        }
    }
}

#[test]
fn unknown_fields_are_ignored_by_schema_and_reader_alike() {
    let schemas = queue_schemas();
    for (schema, mut body) in bodies() {
        body["future"] = json!({ "nested": [1] });
        assert_eq!(find(&schemas, &schema).refusal("", &body), None);
        read(&schema, &body).unwrap();
    }
}

#[test]
fn what_a_schema_requires_the_reader_requires() {
    let schemas = queue_schemas();
    for (schema, body) in bodies() {
        let contract = find(&schemas, &schema);
        for field in body.as_object().unwrap().keys() {
            let mut less = body.clone();
            less.as_object_mut().unwrap().remove(field);
            let required = contract.at("/required").as_array().unwrap().contains(&json!(field));
            assert_eq!(contract.refusal("", &less).is_some(), required, "{schema} without {field}");
            assert_eq!(read(&schema, &less).is_err(), required, "{schema} without {field}");
        }
    }
}

#[test]
fn wrong_values_are_refused_by_schema_and_reader_alike() {
    for (schema, field, value) in [
        ("request-message", "v", json!(2)),
        ("request-message", "v", json!("1")),
        ("request-message", "v", json!(-1)),
        ("request-message", "type", json!("unknown")),
        ("request-message", "type", json!("final")),
        ("request-message", "session_key", json!("short")),
        ("request-message", "message_id", json!("a b")),
        ("request-message", "message_id", json!("")),
        ("request-message", "message_id", json!("x".repeat(129))),
        ("request-message", "accepted_at", json!("2027-01-15T08:00:00Z")),
        ("request-submit", "principal", json!("root:alice")),
        ("request-submit", "principal", json!("op:")),
        ("request-submit", "session_id", json!("a/b")),
        ("request-submit", "message", json!("")),
        ("request-submit", "message", json!("x".repeat(16_001))),
        ("request-submit", "message", json!("a\u{0}b")),
        ("request-submit", "message", json!("a\u{fffe}b")),
        ("request-submit", "document_id", json!("a b")),
        ("request-submit", "provider", json!("gemini")),
        ("request-submit", "replay", json!({ "history": [{ "message": "", "reply": "x" }] })),
        ("request-submit", "replay", json!({ "history": [{ "message": "x" }] })),
        ("request-submit", "replay", json!({ "model": 7 })),
        ("request-submit", "replay", json!("again")),
        ("reply-final", "v", json!(0)),
        ("reply-final", "type", json!("message")),
        ("reply-final", "turn", json!(0)),
        ("reply-final", "turn", json!(10_000_000_000_u64)),
        ("reply-final", "turn", json!(1.5)),
        ("reply-feedback", "rating", json!("sideways")),
        ("reply-feedback", "given_at", json!(null)),
        ("reply-deleted", "session_id", json!(7)),
    ] {
        check_refused(schema, field, &value);
    }
}

#[track_caller]
fn check_refused(schema: &str, field: &str, value: &Value) {
    let (_, mut body) = bodies().into_iter().find(|(name, _)| name == schema).unwrap();
    body[field] = value.clone();
    assert!(read(schema, &body).is_err(), "{schema} is read with {field} = {value}");
    let refusal = find(&queue_schemas(), schema).refusal("", &body);
    assert!(refusal.is_some(), "the schema {schema} takes {field} = {value}");
}

#[test]
fn a_version_that_nobody_knows_is_told_from_a_broken_body() {
    let future = r#"{"v":2,"type":"message"}"#;
    assert!(matches!(RequestMessage::parse(future), Err(BodyError::Version(2))));
    assert!(matches!(ReplyMessage::parse(future), Err(BodyError::Version(2))));
    for broken in ["", "null", "[]", "{", "\"message\"", "{}", r#"{"v":1}"#, r#"{"v":1,"type":7}"#]
    {
        assert!(matches!(RequestMessage::parse(broken), Err(BodyError::Malformed(_))), "{broken}");
        assert!(matches!(ReplyMessage::parse(broken), Err(BodyError::Malformed(_))), "{broken}");
    }
}
