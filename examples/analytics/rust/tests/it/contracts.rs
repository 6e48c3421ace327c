//! The types against `contracts/events`.

use std::collections::BTreeSet;

use analytics_consumer::line::{self, Refusal};
use boon::{Compiler, Draft, Schemas};
use serde_json::{Value, json};

use crate::{fixture, folder};

/// Returns the schemas, each with a detail of the fixture.
fn contracts() -> Vec<(Value, Value)> {
    let files = std::fs::read_dir(folder("../../contracts/events"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let schema = |path| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let found: Vec<(Value, Value)> =
        files.map(schema).map(|of: Value| (of.clone(), details(&of["title"]).remove(0))).collect();
    assert_eq!(found.len(), 5);
    found
}

/// Returns the details of a type in the fixture.
fn details(title: &Value) -> Vec<Value> {
    let text = fixture("events.jsonl");
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = lines.filter(|line| {
        line["source"].as_str().is_none_or(|source| source == "learning-yogi.chatbot")
    });
    ours.filter(|line| line["detail_type"] == *title || line["detail-type"] == *title)
        .map(|line| line["detail"].clone())
        .collect()
}

fn read(title: &Value, detail: &Value) -> Result<(), Refusal> {
    let line = json!({ "detail_type": title, "detail": detail }).to_string();
    line::read(line.as_bytes()).map(|event| assert!(event.is_some(), "{title} is read"))
}

#[test]
fn the_fixture_is_as_the_contracts_say() {
    for (schema, _) in contracts() {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V4);
        compiler.enable_format_assertions();
        compiler.add_resource("file:///event.json", schema.clone()).unwrap();
        let contract = compiler.compile("file:///event.json", &mut schemas).unwrap();
        for detail in details(&schema["title"]) {
            schemas
                .validate(&detail, contract)
                .unwrap_or_else(|error| panic!("{error:#}\n{detail:#}"));
        }
    }
}

#[test]
fn exactly_the_required_fields_are_required() {
    for (schema, detail) in contracts() {
        let required: BTreeSet<_> =
            schema["required"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
        for name in schema["properties"].as_object().unwrap().keys() {
            let mut without = detail.clone();
            without.as_object_mut().unwrap().remove(name);
            let missing = Err(Refusal::Missing(name.clone()));
            let expected = if required.contains(name.as_str()) { missing } else { Ok(()) };
            assert_eq!(
                read(&schema["title"], &without),
                expected,
                "{} without {name}",
                schema["title"]
            );
        }
    }
}

#[test]
fn every_field_is_read_with_its_type() {
    for (schema, detail) in contracts() {
        for name in schema["properties"].as_object().unwrap().keys() {
            let mut wrong = detail.clone();
            // No field holds lists of lists.
            wrong[name] = json!([[]]);
            let read = read(&schema["title"], &wrong);
            assert_eq!(read, Err(Refusal::WrongValue), "{} with a wrong {name}", schema["title"]);
        }
    }
}
