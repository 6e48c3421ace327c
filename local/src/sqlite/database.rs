//! Opening the file; the handle that all adapters share.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use shared::memory::{MemoryStore, QueueSettings};
use shared::ports::{Clock, Durability};
use tokio::sync::watch;

use super::engine::Engine;
use super::error::Failure;
use super::queue_index::QueueIndex;
use super::writer::{Access, Writer};
use super::{
    OpenError, SqliteDocuments, SqliteEvents, SqliteQueue, SqliteReplyCache, SqliteStatistics,
    SqliteStore, lock, schema,
};

/// How far `SQLite`'s commits reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// A commit survives a loss of power.
    #[default]
    Full,
    /// A commit survives the end of the process, not of the machine: for the benchmark only.
    Normal,
}

impl std::fmt::Display for Synchronous {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        })
    }
}

/// One open database. Clones share it; when the last clone and adapter are gone, it is synced and
/// closed.
#[derive(Debug, Clone)]
pub struct Database(Arc<Open>);

#[derive(Debug)]
struct Open {
    // The order of the fields is the order of their ends: the thread closes the file before the
    // lock is free.
    writer: Writer,
    rates: MemoryStore,
    /// Changes when events are published.
    published: watch::Sender<()>,
    _lock: File,
}

impl Database {
    /// Opens the file, or creates it with its folder.
    ///
    /// A folder has one process and one database only: another one is refused.
    pub fn open(file: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_with(file, clock, Synchronous::Full)
    }

    /// Opens the file with less durability: for the benchmark only.
    pub fn open_with(
        file: &Path,
        clock: Arc<dyn Clock>,
        synchronous: Synchronous,
    ) -> Result<Self, OpenError> {
        let directory = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let lock = lock::take(directory)?;
        let connection = schema::open(file, synchronous)?;
        let refine = |source| OpenError::Sqlite { file: file.to_owned(), source };
        let engine = Engine::new(connection, Arc::clone(&clock)).map_err(refine)?;
        let unwritable = |source| OpenError::Unwritable { directory: directory.to_owned(), source };
        let writer = Writer::start(engine).map_err(unwritable)?;
        let rates = MemoryStore::new(clock);
        let (published, _) = watch::channel(());
        Ok(Self(Arc::new(Open { writer, rates, published, _lock: lock })))
    }

    /// Returns the store.
    pub fn store(&self) -> SqliteStore {
        SqliteStore::new(self.clone())
    }

    /// Returns the queue of this name; what was in flight when the last process ended is available
    /// again.
    ///
    /// The settings of the first call hold. Blocks until the queue is loaded.
    pub fn queue(
        &self,
        name: &'static str,
        settings: QueueSettings,
    ) -> Result<SqliteQueue, OpenError> {
        let readiness = Arc::default();
        let index = QueueIndex::new(name, settings, Arc::clone(&readiness));
        let load = move |engine: &mut Engine| super::queue_index::register(engine, index);
        let (place, readiness) =
            self.0.writer.call_blocking(Access::Read, load).map_err(OpenError::Closed)?;
        Ok(SqliteQueue::new(self.clone(), place, readiness))
    }

    /// Returns the event bus.
    pub fn events(&self) -> SqliteEvents {
        SqliteEvents::new(self.clone())
    }

    /// Returns the figures. To be made once: it remembers what was counted.
    pub fn statistics(&self) -> SqliteStatistics {
        SqliteStatistics::new(self.clone())
    }

    /// Returns the documents.
    pub fn documents(&self) -> SqliteDocuments {
        SqliteDocuments::new(self.clone())
    }

    /// Returns the reply cache, which keeps about so many replies.
    pub async fn reply_cache(&self, entries: usize) -> Result<SqliteReplyCache, Failure> {
        SqliteReplyCache::open(self.clone(), entries).await
    }

    /// Returns once everything that was acknowledged before is durable.
    pub async fn sync(&self) -> Result<(), Failure> {
        self.0.writer.call(Access::Sync, |_| Ok(())).await
    }

    /// Limits the file's size in pages of 4 KB, as a full disk does: for tests.
    #[doc(hidden)]
    pub async fn limit_pages(&self, pages: u32) -> Result<(), Failure> {
        self.read(move |engine| {
            engine.connection.execute_batch(&format!("PRAGMA max_page_count = {pages}"))
        })
        .await
    }

    /// Returns what changes when events are published.
    pub(super) fn published(&self) -> &watch::Sender<()> {
        &self.0.published
    }

    /// Returns the size of the database in bytes.
    pub async fn bytes(&self) -> Result<u64, Failure> {
        let read = |engine: &mut Engine| {
            let pragma = |name: &str| {
                engine.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            };
            Ok((pragma("page_count")? * pragma("page_size")?).cast_unsigned())
        };
        self.read(read).await
    }

    /// Returns the store of what need not outlive the process.
    pub(super) fn rates(&self) -> &MemoryStore {
        &self.0.rates
    }

    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine) -> rusqlite::Result<T> + Send + 'static,
    {
        self.0.writer.call(Access::Read, work).await
    }

    pub(super) async fn write<T, W>(&self, durability: Durability, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine) -> rusqlite::Result<T> + Send + 'static,
    {
        self.0.writer.call(Access::Write(durability), work).await
    }
}
