//! A table that changes rows and writes on their way, for mutants.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::Timestamp;
use shared::ports::store::{Change, Condition, Effect, Item, Key, Page, Query, Write};
use shared::ports::{Durability, Store, StoreError};
use tokio::time::sleep;

use crate::faults::PortCall;

/// What a mutant changes about a table; by default nothing.
#[async_trait]
pub(super) trait StoreMutation: Send + Sync {
    /// Does something before rows are read by their keys.
    async fn before_reading(&self, _store: &dyn Store, _keys: &[Key]) {}

    /// Changes a row that was read by its key.
    fn read(&self, item: Item) -> Item {
        item
    }

    /// Changes a single write.
    fn change_write(&self, _call: PortCall, write: Write) -> Write {
        write
    }

    /// Makes a single write, or does something else instead.
    async fn write(
        &self,
        store: &dyn Store,
        call: PortCall,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        store.write(self.change_write(call, write), durability).await
    }

    /// Changes a transaction.
    fn transaction(&self, _call: PortCall, writes: Vec<Write>) -> Vec<Write> {
        writes
    }

    /// Returns by how much a transaction is made later than its caller is told, and where: not by
    /// the process, which may be over by then.
    fn deferred(&self, _call: PortCall) -> Option<(Duration, Arc<dyn Store>)> {
        None
    }

    /// Changes a page that was read.
    fn page(&self, _query: &Query, page: Page) -> Page {
        page
    }
}

/// A table with a mutation around it.
pub(super) struct MutantStore {
    pub(super) inner: Arc<dyn Store>,
    pub(super) mutation: Arc<dyn StoreMutation>,
}

#[async_trait]
impl Store for MutantStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.mutation.before_reading(&*self.inner, keys).await;
        let items = self.inner.get(keys).await?;
        Ok(items.into_iter().map(|item| item.map(|item| self.mutation.read(item))).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.inner.query(query).await.map(|page| self.mutation.page(query, page))
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        self.mutation.write(&*self.inner, PortCall::of_write(&write), write, durability).await
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        let call = PortCall::of_transaction(&writes);
        let writes = self.mutation.transaction(call, writes);
        let Some((delay, store)) = self.mutation.deferred(call) else {
            return self.inner.transact(writes, durability).await;
        };
        tokio::spawn(async move {
            sleep(delay).await;
            store.transact(writes, durability).await
        });
        Ok(())
    }

    async fn synced(&self) -> Result<(), StoreError> {
        self.inner.synced().await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.inner.due(until, limit).await
    }
}

/// Drops a write's condition that an attribute has a value, or has none.
pub(super) fn forget_condition(write: &mut Write, attribute: &str) {
    write.conditions.retain(|condition| {
        !matches!(
            condition,
            Condition::Equals(name, _) | Condition::Missing(name) if *name == attribute
        )
    });
}

/// Returns the changes of an update.
pub(super) fn changes(write: &mut Write) -> Option<&mut Vec<Change>> {
    match &mut write.effect {
        Effect::Update(changes) => Some(changes),
        _ => None,
    }
}
