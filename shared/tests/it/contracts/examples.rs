//! The documents in themselves: examples, references, and the shape that tools expect.

use serde_json::{Map, Value};

use super::{asyncapi, event_schemas, openapi, queue_schemas};
use crate::contract_files::{Contract, escape};

/// Returns every object of a document with its pointer.
fn objects(contract: &Contract) -> Vec<(String, &Map<String, Value>)> {
    let mut found = Vec::new();
    walk(String::new(), contract.at(""), &mut found);
    found
}

fn walk<'a>(pointer: String, value: &'a Value, found: &mut Vec<(String, &'a Map<String, Value>)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                walk(format!("{pointer}/{}", escape(key)), value, found);
            }
            found.push((pointer, fields));
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                walk(format!("{pointer}/{index}"), value, found);
            }
        }
        _ => {}
    }
}

/// Requires every example beside a `schema` to be of it, and counts them.
#[track_caller]
fn check_examples(contract: &Contract) -> usize {
    let mut count = 0;
    for (pointer, object) in objects(contract) {
        let schema = ["schema", "payload"]
            .into_iter()
            .find(|name| object.get(*name).is_some_and(Value::is_object));
        let Some(schema) = schema.filter(|_| !pointer.contains("/examples/")) else { continue };
        for example in examples(object) {
            contract.check(&format!("{pointer}/{schema}"), example);
            count += 1;
        }
    }
    count
}

/// Returns the examples of a media type, a parameter, a header or a message.
fn examples(object: &Map<String, Value>) -> Vec<&Value> {
    let one = object.get("example");
    let many: Vec<_> = match object.get("examples") {
        Some(Value::Object(named)) => named.values().map(|example| &example["value"]).collect(),
        Some(Value::Array(listed)) => listed.iter().map(|example| &example["payload"]).collect(),
        _ => Vec::new(),
    };
    one.into_iter().chain(many).collect()
}

#[test]
fn every_example_is_of_its_own_schema() {
    assert!(check_examples(&openapi()) >= 30);
    assert!(check_examples(&asyncapi()) >= 12);
}

#[test]
fn everything_that_carries_a_body_has_an_example() {
    let contract = openapi();
    for (pointer, object) in objects(&contract) {
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        if parent.ends_with("/content") {
            assert!(!examples(object).is_empty(), "{pointer} has no example");
        }
    }
    let contract = asyncapi();
    for (name, message) in contract.at("/components/messages").as_object().unwrap() {
        assert!(!examples(message.as_object().unwrap()).is_empty(), "{name} has no example");
    }
}

/// Requires every reference to lead somewhere, and everything in `components` to be used.
#[track_caller]
fn check_references(contract: &Contract) {
    let objects = objects(contract);
    let targets: Vec<_> = objects
        .iter()
        .filter_map(|(_, object)| object.get(concat!("$", "ref"))?.as_str())
        .collect();
    for target in &targets {
        contract.at(target.strip_prefix('#').expect("references stay in the file"));
    }
    for kind in ["schemas", "responses", "parameters", "headers", "messages"] {
        let components = contract.at("/components").get(kind).and_then(Value::as_object);
        for name in components.into_iter().flat_map(Map::keys) {
            let target = format!("#/components/{kind}/{name}");
            let used = targets.contains(&target.as_str()) || name == "MethodNotAllowed";
            assert!(used, "{target} is not used");
        }
    }
}

#[test]
fn references_lead_somewhere_and_nothing_is_left_over() {
    check_references(&openapi());
    check_references(&asyncapi());
}

#[test]
fn the_documents_say_which_version_of_their_language_they_are() {
    assert!(openapi().at("/openapi").as_str().unwrap().starts_with("3.1."));
    assert_eq!(asyncapi().at("/asyncapi"), "3.0.0");
    for (name, contract) in queue_schemas() {
        assert_eq!(
            contract.at("/$schema"),
            "https://json-schema.org/draft/2020-12/schema",
            "{name}"
        );
    }
    for (name, contract) in event_schemas() {
        assert_eq!(contract.at("/$schema"), "http://json-schema.org/draft-04/schema#", "{name}");
    }
}
