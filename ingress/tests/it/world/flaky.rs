//! A store and a queue that can be unavailable.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::Timestamp;
use shared::fifo::QueueSettings;
use shared::memory::{MemoryQueue, MemoryStore};
use shared::ports::store::{Item, Key, Page, Query, Store, StoreError, Write};
use shared::ports::{Durability, OutgoingMessage, Queue, QueueError, Receipt};

/// How a transaction fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// It is not applied.
    Refused,
    /// It is applied, and its acknowledgement is lost.
    AckLost,
}

/// A store that can be away.
pub(crate) struct FlakyStore {
    pub(crate) inner: MemoryStore,
    pub(crate) down: AtomicBool,
    /// What becomes of the next transactions.
    pub(crate) conflicts: Mutex<VecDeque<Conflict>>,
    /// What somebody else writes right after the next query.
    pub(crate) after_query: Mutex<Vec<Write>>,
}

impl FlakyStore {
    pub(super) fn new(inner: MemoryStore) -> Self {
        Self {
            inner,
            down: AtomicBool::new(false),
            conflicts: Mutex::default(),
            after_query: Mutex::default(),
        }
    }

    fn up(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::SeqCst) {
            Err(StoreError::Unavailable("away".into()))
        } else {
            Ok(())
        }
    }

    /// Counts the stored items whose sort key begins so.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.inner.dump().iter().filter(|item| item.key.sort.starts_with(prefix)).count()
    }
}

#[async_trait]
impl Store for FlakyStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.up()?;
        self.inner.get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.up()?;
        let page = self.inner.query(query).await;
        let meanwhile = std::mem::take(&mut *self.after_query.lock().unwrap());
        if !meanwhile.is_empty() {
            self.inner.transact(meanwhile, Durability::Synced).await?;
        }
        page
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        self.up()?;
        self.inner.write(write, durability).await
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        self.up()?;
        let conflict = self.conflicts.lock().unwrap().pop_front();
        if conflict != Some(Conflict::Refused) {
            self.inner.transact(writes, durability).await?;
        }
        conflict.map_or(Ok(()), |_| Err(StoreError::Unavailable("in conflict".into())))
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.up()?;
        self.inner.due(until, limit).await
    }
}

/// A queue that can be away.
pub(crate) struct FlakyQueue {
    pub(crate) inner: MemoryQueue,
    pub(crate) down: AtomicBool,
}

impl FlakyQueue {
    pub(super) fn new() -> Self {
        let inner = MemoryQueue::new(QueueSettings::new(Duration::from_mins(1), 5));
        Self { inner, down: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Queue for FlakyQueue {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(QueueError::Unavailable("away".into()));
        }
        self.inner.send(message).await
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        self.inner.change_visibility(receipt, visibility).await
    }
}
