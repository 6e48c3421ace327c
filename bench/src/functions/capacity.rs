//! What DynamoDB bills for a call, from the items that it touched.
//!
//! Source: "Read and write operations" and "Item sizes and formats" in the DynamoDB developer
//! guide.

use serde_json::{Map, Value};

/// An item as the wire has it: attributes by name, each a value with its type.
pub type Item = Map<String, Value>;

const WRITE_UNIT: u64 = 1024;
const READ_UNIT: u64 = 4096;

/// Returns the units of one write outside a transaction, the index `due` included, which holds keys
/// only.
///
/// The larger of the item before and after counts; a write that is refused counts too.
pub fn written(before: Option<&Item>, after: Option<&Item>) -> u64 {
    table(before, after) + index(before, after)
}

/// Returns the units of one action in a transaction: the table's are doubled.
pub fn transacted(before: Option<&Item>, after: Option<&Item>) -> u64 {
    2 * table(before, after) + index(before, after)
}

/// Returns the units of a consistent read of items together; of nothing, one.
pub fn read<'i>(items: impl IntoIterator<Item = &'i Item>) -> u64 {
    items.into_iter().map(size).sum::<u64>().div_ceil(READ_UNIT).max(1)
}

fn table(before: Option<&Item>, after: Option<&Item>) -> u64 {
    let size = |item: Option<&Item>| item.map_or(0, size);
    size(before).max(size(after)).div_ceil(WRITE_UNIT).max(1)
}

/// An entry that appears or disappears is one write; one whose key changes is two.
fn index(before: Option<&Item>, after: Option<&Item>) -> u64 {
    let key = |item: Option<&Item>| {
        item.and_then(|item| Some((item.get("due_shard")?.clone(), item.get("due")?.clone())))
    };
    match (key(before), key(after)) {
        (None, None) => 0,
        (Some(before), Some(after)) if before == after => 0,
        (Some(_), Some(_)) => 2,
        _ => 1,
    }
}

fn size(item: &Item) -> u64 {
    item.iter().map(|(name, value)| length(name) + value_size(value)).sum()
}

fn value_size(value: &Value) -> u64 {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else {
        return 0;
    };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => length(text),
        ("B", Value::String(text)) => length(text) * 3 / 4,
        ("N", Value::String(digits)) => length(digits).div_ceil(2) + 1,
        ("M", Value::Object(fields)) => {
            3 + fields.iter().map(|(name, value)| 1 + length(name) + value_size(value)).sum::<u64>()
        }
        ("L", Value::Array(values)) => {
            3 + values.iter().map(|value| 1 + value_size(value)).sum::<u64>()
        }
        _ => 1,
    }
}

fn length(text: &str) -> u64 {
    text.len() as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(value: &Value) -> Item {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_larger_item_counts_and_a_transaction_counts_twice() {
        let small = item(&json!({ "session_id": { "S": "k" }, "item": { "S": "META" } }));
        let large = item(&json!({ "session_id": { "S": "k" }, "text": { "S": "x".repeat(1100) } }));
        assert_eq!((written(None, Some(&small)), written(Some(&large), None)), (1, 2));
        assert_eq!(
            (transacted(Some(&small), Some(&small)), transacted(Some(&large), Some(&small))),
            (2, 4)
        );
        assert_eq!(written(None, None), 1);
    }

    #[test]
    fn an_index_is_written_where_its_key_changes() {
        let due = |due: &str| item(&json!({ "due_shard": { "S": "0" }, "due": { "N": due } }));
        let none = item(&json!({}));
        assert_eq!((written(None, Some(&due("1"))), written(Some(&due("1")), Some(&none))), (2, 2));
        assert_eq!(
            (written(Some(&due("1")), Some(&due("1"))), written(Some(&due("1")), Some(&due("2")))),
            (1, 3)
        );
    }

    #[test]
    fn reads_are_counted_by_four_kilobytes() {
        let large = item(&json!({ "text": { "S": "x".repeat(3000) } }));
        assert_eq!((read([]), read([&large]), read([&large, &large])), (1, 1, 2));
    }
}
