//! The stores under test, and what is around them.

use std::sync::Arc;

use async_trait::async_trait;
use local::sqlite::{Database, SqliteStore};
use shared::domain::Timestamp;
use shared::memory::{ManualClock, MemoryStore};
use shared::ports::store::{Key, Store};
use tempfile::TempDir;

use super::START;

/// A store with its process.
#[async_trait(?Send)]
pub(super) trait TestBed {
    /// Tells whether a purge removes this item when it is expired.
    const PURGES: fn(&Key) -> bool = |_| true;

    /// Returns the store of the present process.
    fn store(&self) -> &dyn Store;

    /// Sets the store's clock.
    fn set_time(&self, now: Timestamp);

    /// Removes what is expired.
    async fn purge(&self);

    /// Ends the process and starts another; `false` if the store would not outlive that.
    fn restart(&mut self) -> bool {
        false
    }
}

/// The store in memory.
pub(super) struct MemoryTestBed {
    store: MemoryStore,
    clock: Arc<ManualClock>,
}

impl MemoryTestBed {
    pub(super) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(START));
        Self { store: MemoryStore::new(Arc::<ManualClock>::clone(&clock)), clock }
    }
}

#[async_trait(?Send)]
impl TestBed for MemoryTestBed {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn set_time(&self, now: Timestamp) {
        self.clock.set(now);
    }

    async fn purge(&self) {
        self.store.purge_expired(usize::MAX);
    }
}

/// The store on `SQLite`.
pub(super) struct SqliteTestBed {
    // The order of the fields is the order of their ends: the file is closed before its folder
    // goes.
    open: Option<(Database, SqliteStore)>,
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
        let store = database.store();
        self.open = Some((database, store));
    }
}

#[async_trait(?Send)]
impl TestBed for SqliteTestBed {
    const PURGES: fn(&Key) -> bool = |key| key.partition.starts_with("nonce#");

    fn store(&self) -> &dyn Store {
        &self.open.as_ref().unwrap().1
    }

    fn set_time(&self, now: Timestamp) {
        self.clock.set(now);
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
