//! An event bus in memory.

use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::ports::{EventEntry, Events, EventsError};

/// The largest number of entries in a call.
const MAX_ENTRIES: usize = 10;
/// The largest entry, in bytes.
const MAX_ENTRY_BYTES: usize = 256 * 1024;

/// Keeps what was published, repeats included, in order.
#[derive(Debug, Default)]
pub struct MemoryEvents(Mutex<Vec<EventEntry>>);

impl MemoryEvents {
    /// Makes an empty bus.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what was published.
    pub fn published(&self) -> Vec<EventEntry> {
        lock(&self.0).clone()
    }
}

#[async_trait]
impl Events for MemoryEvents {
    async fn put(&self, entries: &[EventEntry]) -> Result<Vec<usize>, EventsError> {
        if entries.len() > MAX_ENTRIES {
            return Err(EventsError("more than ten entries".into()));
        }
        let fits = |entry: &EventEntry| entry.detail.to_string().len() <= MAX_ENTRY_BYTES;
        lock(&self.0).extend(entries.iter().filter(|entry| fits(entry)).cloned());
        Ok(entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !fits(entry))
            .map(|(index, _)| index)
            .collect())
    }
}
