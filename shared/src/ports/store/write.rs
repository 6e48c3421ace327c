//! Writes and queries as plain data.

use serde_json::Value;

use super::{Item, Key};

/// One conditional write of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The item.
    pub key: Key,
    /// What must hold, all of it.
    pub conditions: Vec<Condition>,
    /// What is done.
    pub effect: Effect,
}

/// What must hold for an item. An expired item is absent.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The item is there.
    Present,
    /// The item is not there.
    Absent,
    /// The attribute has this value.
    Equals(&'static str, Value),
    /// The attribute has another value or none, or the item is absent.
    Differs(&'static str, Value),
    /// The attribute has no value, or the item is absent.
    Missing(&'static str),
    /// The attribute is a number of at most this, or has no value, or the item is absent.
    AtMost(&'static str, i64),
}

/// What a write does.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Nothing: only the conditions count.
    Check,
    /// Replaces the item as a whole.
    Put(super::Attributes),
    /// Changes attributes; an absent item comes into being, so a condition must forbid that where
    /// it matters.
    Update(Vec<Change>),
    /// Removes the item; an absent one is Ok.
    Delete,
}

/// One change of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Gives it a value.
    Set(&'static str, Value),
    /// Takes its value away.
    Remove(&'static str),
    /// Adds to its number; none counts as zero.
    Add(&'static str, i64),
}

/// A range of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The partition key.
    pub partition: String,
    /// The first sort key, included.
    pub from: String,
    /// The last sort key, included.
    pub to: String,
    /// Whether the largest sort key comes first.
    pub descending: bool,
    /// The largest number of items.
    pub limit: usize,
    /// Whether expired items are returned too.
    pub expired: bool,
}

/// One page of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The items, in the query's order.
    pub items: Vec<Item>,
    /// Whether there may be more; go on from behind the last item.
    pub more: bool,
}

impl Write {
    /// Requires conditions and changes nothing.
    pub fn check(key: Key, conditions: Vec<Condition>) -> Self {
        Self { key, conditions, effect: Effect::Check }
    }

    /// Puts an item.
    pub fn put(item: Item, conditions: Vec<Condition>) -> Self {
        Self { key: item.key, conditions, effect: Effect::Put(item.attributes) }
    }

    /// Changes attributes.
    pub fn update(key: Key, conditions: Vec<Condition>, changes: Vec<Change>) -> Self {
        Self { key, conditions, effect: Effect::Update(changes) }
    }

    /// Removes an item.
    pub fn delete(key: Key, conditions: Vec<Condition>) -> Self {
        Self { key, conditions, effect: Effect::Delete }
    }
}

impl Query {
    /// Asks for all items of a partition whose sort keys begin with `prefix`, in ascending order.
    pub fn prefix(partition: impl Into<String>, prefix: &str, limit: usize) -> Self {
        let to = format!("{prefix}\u{10FFFF}");
        Self {
            partition: partition.into(),
            from: prefix.into(),
            to,
            descending: false,
            limit,
            expired: false,
        }
    }
}
