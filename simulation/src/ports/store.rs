//! The table, watched by the checker.

use async_trait::async_trait;
use shared::domain::Timestamp;
use shared::ports::store::{Item, Key, Page, Query, Write};
use shared::ports::{Durability, Store, StoreError};

use super::Rig;
use crate::checks::Note;

pub(super) struct WatchedStore {
    pub(super) rig: Rig,
}

impl WatchedStore {
    /// Tells the checker what a write did.
    fn watch<T>(&self, result: &Result<T, StoreError>, notes: &[Note]) {
        let Rig { process, cloud, .. } = &self.rig;
        match result {
            Ok(_) => {
                for note in notes {
                    cloud.checker.wrote(process, note);
                }
            }
            Err(StoreError::Corrupt(error)) => {
                cloud.checker.violation("8", &process.subject(), || {
                    format!("the store refused a write: {error}")
                });
            }
            Err(_) => (),
        }
    }
}

#[async_trait]
impl Store for WatchedStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.rig.cloud.store.get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.rig.cloud.store.query(query).await
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        let notes: Vec<Note> = Note::of(&write).into_iter().collect();
        let result = self.rig.cloud.store.write(write, durability).await;
        self.watch(&result, &notes);
        result
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        let notes: Vec<Note> = writes.iter().filter_map(Note::of).collect();
        let result = self.rig.cloud.store.transact(writes, durability).await;
        self.watch(&result, &notes);
        result
    }

    async fn synced(&self) -> Result<(), StoreError> {
        self.rig.cloud.store.synced().await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.rig.cloud.store.due(until, limit).await
    }
}
