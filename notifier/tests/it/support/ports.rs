//! Ports that note what was asked of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use shared::domain::ConnectionId;
use shared::memory::{MemoryEvents, MemoryPush};
use shared::ports::{EventEntry, Events, EventsError, Push, PushError};

/// Connections that note which of them were closed.
pub(crate) struct RecordingPush {
    pub(crate) push: Arc<MemoryPush>,
    pub(crate) closed: Mutex<Vec<ConnectionId>>,
}

#[async_trait]
impl Push for RecordingPush {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        self.push.push(connection, frame).await
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        self.closed.lock().unwrap().push(connection.clone());
        self.push.close(connection).await
    }
}

/// An event bus that notes its calls and can refuse single entries.
pub(crate) struct RefusingEvents {
    pub(crate) bus: Arc<MemoryEvents>,
    /// The ids of entries that are not taken, each once.
    pub(crate) refused: Mutex<BTreeSet<String>>,
    /// The entries of every call, by id.
    pub(crate) calls: Mutex<Vec<Vec<String>>>,
}

#[async_trait]
impl Events for RefusingEvents {
    async fn put(&self, entries: &[EventEntry]) -> Result<Vec<usize>, EventsError> {
        self.calls.lock().unwrap().push(entries.iter().map(|entry| entry.id.clone()).collect());
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
    }
}
