//! The queues under test, and what is around them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use local::sqlite::{Database, SqliteQueue};
use shared::domain::Timestamp;
use shared::memory::{ManualClock, MemoryQueue};
use shared::ports::EventSource;
use tempfile::TempDir;

use super::SETTINGS;

/// The time of day at the beginning.
const START: Timestamp = Timestamp(1_800_000_000_000);

/// A queue with its process.
#[async_trait(?Send)]
pub(super) trait TestBed {
    /// Returns the queue of the present process.
    fn queue(&self) -> &dyn EventSource;

    /// Sets the time of day to so much after the beginning.
    fn set_time(&self, _since: Duration) {}

    /// Removes what nobody reads any more.
    async fn purge(&self) {}

    /// Ends the process and starts another; `false` if the queue would not outlive that.
    fn restart(&mut self) -> bool {
        false
    }
}

/// The queue in memory.
pub(super) struct MemoryTestBed(MemoryQueue);

impl MemoryTestBed {
    pub(super) fn new() -> Self {
        Self(MemoryQueue::new(SETTINGS))
    }
}

impl TestBed for MemoryTestBed {
    fn queue(&self) -> &dyn EventSource {
        &self.0
    }
}

/// The queue on `SQLite`, whose time of day goes with paused time.
pub(super) struct SqliteTestBed {
    // The order of the fields is the order of their ends: the file is closed before its folder
    // goes.
    open: Option<(Database, SqliteQueue)>,
    clock: Arc<ManualClock>,
    folder: TempDir,
}

impl SqliteTestBed {
    pub(super) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let mut test_bed = Self { open: None, clock, folder: tempfile::tempdir().unwrap() };
        test_bed.open();
        test_bed
    }

    fn open(&mut self) {
        let file = self.folder.path().join("chatbot.db");
        let database = Database::open(&file, Arc::<ManualClock>::clone(&self.clock)).unwrap();
        let queue = database.queue("requests", SETTINGS).unwrap();
        self.open = Some((database, queue));
    }
}

#[async_trait(?Send)]
impl TestBed for SqliteTestBed {
    fn queue(&self) -> &dyn EventSource {
        &self.open.as_ref().unwrap().1
    }

    fn set_time(&self, since: Duration) {
        self.clock.set(START.plus(since));
    }

    async fn purge(&self) {
        self.open.as_ref().unwrap().0.purge_expired(1_000).await.unwrap();
    }

    fn restart(&mut self) -> bool {
        self.open = None;
        self.open();
        true
    }
}
