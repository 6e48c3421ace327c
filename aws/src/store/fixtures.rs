//! Items that earlier versions wrote are read as they were.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use super::item::{Stored, decode, encode};

const ITEMS: &str = include_str!("../../../testkit/fixtures/v0.1/items.json");

#[test]
fn items_of_version_0_1_are_read_and_written_as_they_were() {
    let items: Vec<Value> = serde_json::from_str(ITEMS).unwrap();
    assert_eq!(items.len(), 26);
    for item in items {
        let stored = attributes(&item["item"]);
        let read = decode(stored.clone()).unwrap();
        assert_eq!(Value::Object(read.attributes.clone()), item["attributes"]);
        assert_eq!(encode(&read.key, &read.attributes).unwrap(), stored);
    }
}

/// Reads the form in which the service's API carries items.
fn attributes(item: &Value) -> Stored {
    let attributes = item.as_object().unwrap().iter();
    attributes.map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "N" => AttributeValue::N(value.as_str().unwrap().to_owned()),
        "S" => AttributeValue::S(value.as_str().unwrap().to_owned()),
        "NULL" => AttributeValue::Null(value.as_bool().unwrap()),
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(attribute).collect()),
        "M" => AttributeValue::M(attributes(value)),
        other => panic!("no item has a {other}"),
    }
}
