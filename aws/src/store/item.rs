//! Conversion of items to DynamoDB's types. Strings, numbers, maps and lists are stored natively,
//! so that items are readable in the AWS console.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Number, Value};
use shared::ports::store::{Attributes, Item, Key, StoreError};

/// The partition key.
pub(super) const PARTITION: &str = "session_id";
/// The sort key.
pub(super) const SORT: &str = "item";
/// When an item expires, in seconds; the table's TTL attribute.
pub(super) const EXPIRES_AT: &str = "expires_at";
/// When the cleanup must look at an item, in milliseconds.
pub(super) const DUE: &str = "due";
/// The partition key of the index `due`. All items are in a single partition of the index.
pub(super) const DUE_SHARD: &str = "due_shard";
/// The only value of [`DUE_SHARD`].
pub(super) const SHARD: &str = "0";

/// An attribute that no item has, for updates without changes.
pub(super) const UNSET: &str = "unset";

/// Attribute names that are reserved for this adapter.
const RESERVED: [&str; 4] = [PARTITION, SORT, DUE_SHARD, UNSET];

/// An item in DynamoDB's types.
pub(super) type Stored = HashMap<String, AttributeValue>;

/// Encodes an item; one with `due` is added to the index.
pub(super) fn encode(key: &Key, attributes: &Attributes) -> Result<Stored, StoreError> {
    let mut stored = encode_key(key);
    for (name, value) in attributes {
        check_name(name)?;
        stored.insert(name.clone(), encode_value(value));
    }
    if attributes.contains_key(DUE) {
        stored.insert(DUE_SHARD.to_owned(), text(SHARD));
    }
    Ok(stored)
}

/// Encodes a key.
pub(super) fn encode_key(key: &Key) -> Stored {
    HashMap::from([
        (PARTITION.to_owned(), text(&key.partition)),
        (SORT.to_owned(), text(&key.sort)),
    ])
}

/// Encodes a value.
pub(super) fn encode_value(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(yes) => AttributeValue::Bool(*yes),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(words) => text(words),
        Value::Array(values) => AttributeValue::L(values.iter().map(encode_value).collect()),
        Value::Object(map) => AttributeValue::M(
            map.iter().map(|(name, value)| (name.clone(), encode_value(value))).collect(),
        ),
    }
}

/// Encodes an integer.
pub(super) fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Encodes a string.
pub(super) fn text(words: &str) -> AttributeValue {
    AttributeValue::S(words.to_owned())
}

/// Rejects reserved attribute names.
pub(super) fn check_name(name: &str) -> Result<(), StoreError> {
    if RESERVED.contains(&name) { Err(corrupt("an attribute has a reserved name")) } else { Ok(()) }
}

/// Decodes an item.
pub(super) fn decode(mut stored: Stored) -> Result<Item, StoreError> {
    let mut key = |name| match stored.remove(name) {
        Some(AttributeValue::S(words)) => Ok(words),
        _ => Err(corrupt("an item has no key")),
    };
    let key = Key { partition: key(PARTITION)?, sort: key(SORT)? };
    stored.remove(DUE_SHARD);
    let attributes = stored.into_iter().map(|(name, value)| Ok((name, decode_value(value)?)));
    Ok(Item { key, attributes: attributes.collect::<Result<_, StoreError>>()? })
}

fn decode_value(value: AttributeValue) -> Result<Value, StoreError> {
    match value {
        AttributeValue::Null(_) => Ok(Value::Null),
        AttributeValue::Bool(yes) => Ok(Value::Bool(yes)),
        AttributeValue::N(digits) => decode_number(&digits),
        AttributeValue::S(words) => Ok(Value::String(words)),
        AttributeValue::L(values) => {
            values.into_iter().map(decode_value).collect::<Result<_, _>>().map(Value::Array)
        }
        AttributeValue::M(map) => {
            let entries = map.into_iter().map(|(name, value)| Ok((name, decode_value(value)?)));
            entries.collect::<Result<_, StoreError>>().map(Value::Object)
        }
        _ => Err(corrupt("an attribute has an unsupported type")),
    }
}

/// Decodes a number; integers stay integers.
fn decode_number(digits: &str) -> Result<Value, StoreError> {
    let whole = digits
        .parse::<i64>()
        .map(Number::from)
        .or_else(|_| digits.parse::<u64>().map(Number::from));
    let number = whole.ok().or_else(|| digits.parse().ok().and_then(Number::from_f64));
    number.map(Value::Number).ok_or_else(|| corrupt("a number cannot be read"))
}

fn corrupt(reason: &'static str) -> StoreError {
    StoreError::Corrupt(reason.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(attributes: &Value) -> Result<Stored, StoreError> {
        encode(&Key::new("p", "s"), attributes.as_object().unwrap())
    }

    #[track_caller]
    fn check(attributes: Value) {
        let item = decode(stored(&attributes).unwrap()).unwrap();
        assert_eq!((item.key, Value::Object(item.attributes)), (Key::new("p", "s"), attributes));
    }

    #[test]
    fn every_json_comes_back_as_it_was() {
        check(json!({"n": 5, "small": i64::MIN, "large": u64::MAX, "half": -0.5, "tiny": 1e-9}));
        check(json!({"s": "é🎈\u{0}", "list": [1, null, [], {"a": {}}], "yes": true, "due": 7}));
    }

    #[test]
    fn values_have_the_types_of_the_service() {
        let stored = stored(&json!({"due": 7, "map": {"list": ["x"]}})).unwrap();
        assert_eq!(stored["due"], number(7));
        assert_eq!(stored[DUE_SHARD], text("0"));
        let list = AttributeValue::L(vec![text("x")]);
        assert_eq!(stored["map"], AttributeValue::M(HashMap::from([("list".to_owned(), list)])));
    }

    #[test]
    fn what_is_not_due_is_not_in_the_index() {
        assert!(!stored(&json!({"n": 1})).unwrap().contains_key(DUE_SHARD));
    }

    #[test]
    fn the_names_of_keys_are_reserved() {
        for name in RESERVED {
            assert!(matches!(stored(&json!({name: "x"})), Err(StoreError::Corrupt(_))), "{name}");
        }
    }
}
