//! The items that were read or written lately, so that a turn's next step finds them parsed.
//!
//! One thread owns the file, so what is kept here is what the file holds, the open batch included;
//! a batch that is undone empties it.

use std::collections::HashMap;

use rusqlite::Connection;
use shared::domain::Timestamp;
use shared::ports::store::{Item, Key};

use super::rows::{self, Encoded};

/// The largest number of items; beyond it all are forgotten at once, which costs a read each.
const MAX_ITEMS: usize = 4_096;
/// Larger items are not kept.
const MAX_BYTES: usize = 16 * 1024;

/// Items by key.
#[derive(Default)]
pub(super) struct ItemCache(HashMap<Key, Item>);

impl ItemCache {
    /// Reads an item; one that is expired is absent.
    pub(super) fn read(
        &mut self,
        connection: &Connection,
        key: Key,
        now: Timestamp,
    ) -> rusqlite::Result<Option<Item>> {
        if let Some(item) = self.0.get(&key) {
            return Ok(Some(item).filter(|item| !item.is_expired(now)).cloned());
        }
        let Some((item, bytes)) = rows::read(connection, key, now)? else { return Ok(None) };
        self.keep(item.clone(), bytes);
        Ok(Some(item))
    }

    /// Stores an item in the place of whatever is there.
    pub(super) fn store(
        &mut self,
        connection: &Connection,
        encoded: &Encoded,
    ) -> rusqlite::Result<()> {
        if self.0.contains_key(&encoded.item.key) {
            rows::replace(connection, encoded)?;
        } else {
            rows::store(connection, encoded)?;
        }
        self.keep(encoded.item.clone(), encoded.bytes());
        Ok(())
    }

    /// Removes an item, expired or not; an absent one is Ok.
    pub(super) fn remove(&mut self, connection: &Connection, key: &Key) -> rusqlite::Result<()> {
        self.0.remove(key);
        rows::remove(connection, key)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn keep(&mut self, item: Item, bytes: usize) {
        if bytes > MAX_BYTES {
            self.0.remove(&item.key);
            return;
        }
        if self.0.len() >= MAX_ITEMS {
            self.0.clear();
        }
        self.0.insert(item.key.clone(), item);
    }
}
