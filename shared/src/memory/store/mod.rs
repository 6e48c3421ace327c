//! The table in memory.

mod table;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use table::Table;

use super::lock;
use crate::domain::Timestamp;
use crate::ports::store::{Item, Key, Page, Query, Store, StoreError, Write};
use crate::ports::{Clock, Durability};

/// A store in memory, with the pages and the limits of a real one.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
}

impl MemoryStore {
    /// Makes an empty store; the clock decides what is expired.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, table: Mutex::new(Table::default()) }
    }

    /// Removes up to `limit` expired items, as a service does some day. Returns how many it
    /// removed.
    pub fn purge_expired(&self, limit: usize) -> usize {
        lock(&self.table).purge(self.clock.now(), limit)
    }

    /// Returns every item that is stored, expired ones included, in the order of the keys.
    pub fn dump(&self) -> Vec<Item> {
        lock(&self.table).dump()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        let now = self.clock.now();
        let table = lock(&self.table);
        Ok(keys.iter().map(|key| table.live(key, now).cloned()).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        Ok(lock(&self.table).query(query, self.clock.now()))
    }

    async fn write(&self, write: Write, _: Durability) -> Result<Option<Item>, StoreError> {
        lock(&self.table).write(write, self.clock.now())
    }

    async fn transact(&self, writes: Vec<Write>, _: Durability) -> Result<(), StoreError> {
        lock(&self.table).transact(writes, self.clock.now())
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        Ok(lock(&self.table).due(until, limit))
    }
}
