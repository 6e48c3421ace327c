//! The services' limits, and how they count.

use serde_json::Value;

use crate::domain::is_legal;
use crate::ports::QueueError;
use crate::ports::queue::MAX_BODY_BYTES;
use crate::ports::store::{
    Attributes, Key, MAX_ITEM_BYTES, MAX_TRANSACTION_WRITES, StoreError, Write,
};

/// The largest message group id or deduplication id, in characters.
const MAX_QUEUE_ID: usize = 128;
/// The bytes that `DynamoDB` counts for a list or a map itself.
const CONTAINER_BYTES: usize = 3;

/// Refuses a message that no queue carries: by its body's size or characters, or by its ids.
pub fn check_message(group: &str, deduplication_id: &str, body: &str) -> Result<(), QueueError> {
    let refused = |reason: &str| Err(QueueError::Refused(reason.to_owned()));
    if body.is_empty() {
        return refused("the body is empty");
    }
    if body.len() > MAX_BODY_BYTES {
        return refused("the body is larger than 1 MiB");
    }
    if !body.chars().all(is_legal) {
        return refused("the body holds a character that is not legal in XML");
    }
    if !is_queue_id(group) {
        return refused("the message group id is not 1 to 128 printable characters");
    }
    if !is_queue_id(deduplication_id) {
        return refused("the deduplication id is not 1 to 128 printable characters");
    }
    Ok(())
}

/// Refuses an item that is too large.
///
/// Returns its size in bytes, counted as `DynamoDB` does.
pub fn check_item(key: &Key, attributes: &Attributes) -> Result<usize, StoreError> {
    let bytes = item_bytes(key, attributes);
    if bytes > MAX_ITEM_BYTES {
        return Err(invalid("the item is larger than 400 KB"));
    }
    Ok(bytes)
}

/// Refuses a transaction of too many writes, or with two writes of one item.
pub fn check_transaction(writes: &[Write]) -> Result<(), StoreError> {
    if writes.len() > MAX_TRANSACTION_WRITES {
        return Err(invalid("the transaction has more than 100 writes"));
    }
    let twice = |(at, write): (usize, &Write)| {
        writes.iter().take(at).any(|earlier| earlier.key == write.key)
    };
    if writes.iter().enumerate().any(twice) {
        return Err(invalid("the transaction writes one item twice"));
    }
    Ok(())
}

/// Counts an item's bytes, names and values, as `DynamoDB` does.
pub fn item_bytes(key: &Key, attributes: &Attributes) -> usize {
    key.partition.len() + key.sort.len() + attributes.iter().map(attribute_bytes).sum::<usize>()
}

fn attribute_bytes((name, value): (&String, &Value)) -> usize {
    name.len() + value_bytes(value)
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Number(_) => 12,
        Value::String(text) => text.len(),
        Value::Array(values) => {
            CONTAINER_BYTES + values.iter().map(|value| 1 + value_bytes(value)).sum::<usize>()
        }
        Value::Object(map) => {
            CONTAINER_BYTES + map.iter().map(|entry| 1 + attribute_bytes(entry)).sum::<usize>()
        }
    }
}

fn is_queue_id(id: &str) -> bool {
    (1..=MAX_QUEUE_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn invalid(reason: &'static str) -> StoreError {
    StoreError::Corrupt(reason.into())
}
