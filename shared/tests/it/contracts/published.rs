//! Events stay readable by whoever reads their published version.

use serde_json::{Value, json};

use super::{event_schemas, find, published_schemas};

/// Keywords that say what a value means, and stay as they were published.
const FIXED: &[&str] = &[
    "$schema",
    "type",
    "const",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
];

/// Lists what a reader of `old` could not follow in `new`.
fn breaks(place: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for key in FIXED.iter().filter(|key| old.get(**key) != new.get(**key)) {
        found.push(format!("{place}: {key} has changed"));
    }
    for field in list(old, "required").iter().filter(|field| !list(new, "required").contains(field))
    {
        found.push(format!("{place}: {field} is no longer required"));
    }
    let before = list(old, "enum");
    let after = list(new, "enum");
    let constant = before.len() == 1 || old.get("enum").is_some() != new.get("enum").is_some();
    if before.iter().any(|value| !after.contains(value)) || (constant && before != after) {
        found.push(format!("{place}: its closed set of values has changed"));
    }
    for (field, schema) in old.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let place = format!("{place}/{field}");
        match new["properties"].get(field) {
            Some(new) => found.extend(breaks(&place, schema, new)),
            None => found.push(format!("{place}: is gone")),
        }
    }
    found
}

fn list<'a>(schema: &'a Value, key: &str) -> &'a [Value] {
    schema.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[test]
fn no_event_breaks_the_readers_of_its_published_version() {
    for (name, published) in published_schemas() {
        let found = breaks(name, published.at(""), find(&event_schemas(), name).at(""));
        assert!(found.is_empty(), "give such a change a new schema_version: {found:#?}");
    }
}

#[test]
fn every_event_is_published() {
    for (name, _) in event_schemas() {
        find(&published_schemas(), name);
    }
}

/// Returns the schema of replies before and after an edit at a pointer.
fn edited(pointer: &str, edit: impl Fn(&mut Value)) -> Vec<String> {
    let schemas = published_schemas();
    let old = find(&schemas, "chat-message").at("");
    let mut new = old.clone();
    edit(new.pointer_mut(pointer).unwrap());
    assert_ne!(*old, new, "{pointer} was not edited");
    breaks("chat-message", old, &new)
}

#[test]
fn every_kind_of_break_is_found() {
    let set = |pointer: &str, value: Value| edited(pointer, |place| *place = value.clone());
    let less = |pointer: &str, key: &str| edited(pointer, |place| drop_key(place, key));
    for (kind, found) in [
        ("a removed field", less("/properties", "user_message")),
        ("a removed required field", edited("/required", shorten)),
        ("a narrowed type", set("/properties/model/type", json!("string"))),
        ("a changed type", set("/properties/turn/type", json!("string"))),
        ("a removed value", set("/properties/context/enum", json!(["used", "none"]))),
        ("a set that was opened", less("/properties/context", "enum")),
        (
            "a changed constant",
            set("/properties/metadata/properties/schema_version/enum", json!(["1", "2"])),
        ),
        ("a changed format", less("/properties/timestamp", "format")),
    ] {
        assert!(!found.is_empty(), "{kind} passes");
    }
}

#[test]
fn what_is_added_breaks_nobody() {
    let added = edited("/properties", |place| place["future"] = json!({ "type": "string" }));
    assert_eq!(added, [""; 0]);
    let required =
        edited("/required", |place| place.as_array_mut().unwrap().push(json!("response")));
    assert_eq!(required, [""; 0]);
    let value = edited("/properties/context/enum", |place| {
        place.as_array_mut().unwrap().push(json!("partly"));
    });
    assert_eq!(value, [""; 0]);
}

fn drop_key(place: &mut Value, key: &str) {
    place.as_object_mut().unwrap().remove(key);
}

fn shorten(place: &mut Value) {
    place.as_array_mut().unwrap().pop();
}
