//! The ports with faults.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::{ConnectionId, Timestamp};
use shared::memory::{MemoryEvents, MemoryPush, MemoryQueue, MemoryStore};
use shared::ports::store::{Item, Key, Page, Query, Write};
use shared::ports::{
    Durability, EventEntry, Events, EventsError, OutgoingMessage, Push, PushError, Queue,
    QueueError, Receipt, Store, StoreError,
};

use super::{Faults, Op};

pub(crate) struct FaultyStore {
    pub(crate) table: Arc<MemoryStore>,
    pub(crate) faults: Arc<Faults>,
}

fn unavailable<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("scripted".into()))
}

#[async_trait]
impl Store for FaultyStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.faults.around(Op::Read, self.table.get(keys), unavailable).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.faults.around(Op::Read, self.table.query(query), unavailable).await
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        self.faults.around(Op::Write, self.table.write(write, durability), unavailable).await
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        self.faults.around(Op::Write, self.table.transact(writes, durability), unavailable).await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.faults.around(Op::Read, self.table.due(until, limit), unavailable).await
    }
}

pub(crate) struct FaultyQueue {
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) faults: Arc<Faults>,
}

#[async_trait]
impl Queue for FaultyQueue {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        let away = || Err(QueueError::Unavailable("scripted".into()));
        self.faults.around(Op::Send, self.queue.send(message), away).await
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        self.queue.change_visibility(receipt, visibility).await
    }
}

pub(crate) struct FaultyPush {
    pub(crate) push: Arc<MemoryPush>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) closed: Mutex<Vec<ConnectionId>>,
}

#[async_trait]
impl Push for FaultyPush {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let failed = || Err(PushError::Failed("scripted".into()));
        self.faults.around(Op::Push, self.push.push(connection, frame), failed).await
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        self.closed.lock().unwrap().push(connection.clone());
        let failed = || Err(PushError::Failed("scripted".into()));
        self.faults.around(Op::Close, self.push.close(connection), failed).await
    }
}

pub(crate) struct FaultyEvents {
    pub(crate) bus: Arc<MemoryEvents>,
    pub(crate) faults: Arc<Faults>,
    /// The ids of entries that are not taken, each once.
    pub(crate) refused: Mutex<BTreeSet<String>>,
    /// The entries of every call, by id.
    pub(crate) calls: Mutex<Vec<Vec<String>>>,
}

#[async_trait]
impl Events for FaultyEvents {
    async fn put(&self, entries: &[EventEntry]) -> Result<Vec<usize>, EventsError> {
        self.calls.lock().unwrap().push(entries.iter().map(|entry| entry.id.clone()).collect());
        let call = async {
            let mut taken = Vec::new();
            let mut failed = Vec::new();
            for (index, entry) in entries.iter().enumerate() {
                if self.refused.lock().unwrap().remove(&entry.id) {
                    failed.push(index);
                } else {
                    taken.push(entry.clone());
                }
            }
            assert!(self.bus.put(&taken).await?.is_empty());
            Ok(failed)
        };
        self.faults.around(Op::Event, call, || Err(EventsError("scripted".into()))).await
    }
}
