//! Items and their keys.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::StoreError;
use crate::domain::{ExpiresAt, Timestamp};
use crate::redact::redact;

/// The attributes of an item, by name; no `null`s.
pub type Attributes = serde_json::Map<String, Value>;

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The partition key, attribute `session_id` of the table.
    pub partition: String,
    /// The sort key, attribute `item` of the table.
    pub sort: String,
}

impl Key {
    /// Makes a key.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self { partition: partition.into(), sort: sort.into() }
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Where it is.
    pub key: Key,
    /// What it holds.
    pub attributes: Attributes,
}

impl Item {
    /// Makes an item from a row that serialises to an object; fields that are `null` are left out.
    pub fn from_row(key: Key, row: &impl Serialize) -> Result<Self, StoreError> {
        match serde_json::to_value(row).map_err(corrupt)? {
            Value::Object(mut attributes) => {
                attributes.retain(|_, value| !value.is_null());
                Ok(Self { key, attributes })
            }
            _ => Err(corrupt("a row must be an object")),
        }
    }

    /// Reads the item as a row; attributes that the row does not know are ignored.
    pub fn to_row<Row: DeserializeOwned>(&self) -> Result<Row, StoreError> {
        serde_json::from_value(Value::Object(self.attributes.clone())).map_err(unreadable)
    }

    /// Turns the item into a row without copying its texts.
    pub fn into_row<Row: DeserializeOwned>(self) -> Result<Row, StoreError> {
        serde_json::from_value(Value::Object(self.attributes)).map_err(unreadable)
    }

    /// Tells whether the item counts as absent at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.number("expires_at").is_some_and(|seconds| ExpiresAt(seconds).is_past(now))
    }

    /// Returns a whole-number attribute.
    pub fn number(&self, attribute: &str) -> Option<i64> {
        self.attributes.get(attribute).and_then(Value::as_i64)
    }

    /// Tells whether an attribute is `true`.
    pub fn flag(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).and_then(Value::as_bool).unwrap_or(false)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` wants")]
fn unreadable(error: serde_json::Error) -> StoreError {
    corrupt(redact(&error))
}

fn corrupt(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Corrupt(error.into())
}
