//! A cache of recently used items, so that the next step of a turn finds them parsed.
//!
//! The cache needs no invalidation protocol, because the writer's thread is the only one that reads
//! or writes the database, and every write of an item goes through [`ItemCache::store`] or
//! [`ItemCache::remove`]. A cached item is therefore always the one in the tables, including the
//! changes of the open batch. Two rules keep this true: a rollback clears the cache, because it
//! also contains what the batch wrote, and so does any statement that changes items without it (see
//! `purge`). Absent items are not cached.

use std::collections::HashMap;

use rusqlite::Connection;
use shared::domain::Timestamp;
use shared::ports::store::{Item, Key};

use super::rows::{self, Encoded};

/// The largest number of items. When it is reached, the cache is cleared: simpler than tracking
/// use, and each item costs only one more read.
const MAX_ITEMS: usize = 4_096;
/// Larger items are not cached.
const MAX_BYTES: usize = 16 * 1024;

/// Recently used items by key.
#[derive(Default)]
pub(super) struct ItemCache(HashMap<Key, Item>);

impl ItemCache {
    /// Reads an item. One that has expired is absent.
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
        self.insert(item.clone(), bytes);
        Ok(Some(item))
    }

    /// Stores an item, replacing any with the same key.
    ///
    /// An item in the cache is known to exist, so that the cheaper `UPDATE` can be used.
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
        self.insert(encoded.item.clone(), encoded.bytes());
        Ok(())
    }

    /// Removes an item, which may have expired or be absent.
    pub(super) fn remove(&mut self, connection: &Connection, key: &Key) -> rusqlite::Result<()> {
        self.0.remove(key);
        rows::remove(connection, key)
    }

    /// Removes everything from the cache.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn insert(&mut self, item: Item, bytes: usize) {
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
