//! The table, watched by the checker.

use async_trait::async_trait;
use shared::domain::Timestamp;
use shared::ports::store::{Item, Key, Page, Query, Write};
use shared::ports::{Durability, Store, StoreError};

use super::ProcessPorts;
use crate::checks::StoreChange;

pub(super) struct WatchedStore {
    pub(super) process_ports: ProcessPorts,
}

impl WatchedStore {
    /// Tells the checker what a write did.
    fn watch<T>(&self, result: &Result<T, StoreError>, changes: &[StoreChange]) {
        let ProcessPorts { process, cloud, .. } = &self.process_ports;
        match result {
            Ok(_) => {
                for change in changes {
                    cloud.checker.wrote(process, change);
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
        self.process_ports.cloud.store.get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.process_ports.cloud.store.query(query).await
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        let changes: Vec<StoreChange> = StoreChange::of(&write).into_iter().collect();
        let result = self.process_ports.cloud.store.write(write, durability).await;
        self.watch(&result, &changes);
        result
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        let changes: Vec<StoreChange> = writes.iter().filter_map(StoreChange::of).collect();
        let result = self.process_ports.cloud.store.transact(writes, durability).await;
        self.watch(&result, &changes);
        result
    }

    async fn synced(&self) -> Result<(), StoreError> {
        self.process_ports.cloud.store.synced().await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.process_ports.cloud.store.due(until, limit).await
    }
}
