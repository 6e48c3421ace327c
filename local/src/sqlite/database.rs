//! The open database that all adapters share.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use shared::fifo::QueueSettings;
use shared::memory::MemoryStore;
use shared::ports::{Clock, Durability};
use tokio::sync::watch;

use super::engine::Engine;
use super::error::DatabaseError;
use super::passages::Readers;
use super::queue_index::QueueIndex;
use super::writer::{Access, Writer};
use super::{
    OpenError, SqliteDocuments, SqliteEvents, SqliteQueue, SqliteReplyCache, SqliteStatistics,
    SqliteStore, lock, schema,
};

/// What a commit of `SQLite` survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// A commit survives a loss of power.
    #[default]
    Full,
    /// A commit survives the end of the process but not of the machine. For benchmarks only.
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

/// An open database. Clones share it. It is synced and closed when the last clone and adapter have
/// been dropped.
#[derive(Debug, Clone)]
pub struct Database(Arc<Open>);

#[derive(Debug)]
struct Open {
    // Fields are dropped in this order: the thread must close the file before the lock is released,
    // or another process could open the file while it is still being written.
    writer: Writer,
    readers: Arc<Readers>,
    rates: MemoryStore,
    /// Changes when events are published.
    published: watch::Sender<()>,
    _lock: File,
}

impl Database {
    /// Opens the file, or creates it with its directory.
    ///
    /// A directory can be used by one process and one database only; another one gets an error.
    pub fn open(file: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_with(file, clock, Synchronous::Full)
    }

    /// Opens the file with the given durability. Anything but `Full` is for benchmarks only.
    pub fn open_with(
        file: &Path,
        clock: Arc<dyn Clock>,
        synchronous: Synchronous,
    ) -> Result<Self, OpenError> {
        let directory = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let lock = lock::acquire(directory)?;
        let connection = schema::open(file, synchronous)?;
        let sqlite = |source| OpenError::Sqlite { file: file.to_owned(), source };
        let engine = Engine::new(connection, Arc::clone(&clock)).map_err(sqlite)?;
        let unwritable = |source| OpenError::Unwritable { directory: directory.to_owned(), source };
        let writer = Writer::start(engine).map_err(unwritable)?;
        let readers = Arc::new(Readers::new(file.to_owned()));
        let rates = MemoryStore::new(clock);
        let (published, _) = watch::channel(());
        Ok(Self(Arc::new(Open { writer, readers, rates, published, _lock: lock })))
    }

    /// Returns the store.
    pub fn store(&self) -> SqliteStore {
        SqliteStore::new(self.clone())
    }

    /// Returns the queue with this name. Messages that were in flight when the last process ended
    /// are available again.
    ///
    /// The settings of the first call apply. Blocks until the queue is loaded.
    pub fn queue(
        &self,
        name: &'static str,
        settings: QueueSettings,
    ) -> Result<SqliteQueue, OpenError> {
        let readiness = Arc::default();
        let queue = QueueIndex::new(name, settings, Arc::clone(&readiness));
        let load = move |engine: &mut Engine| super::queue_index::register(engine, queue);
        let (index, readiness) =
            self.0.writer.call_blocking(Access::Read, load).map_err(OpenError::Closed)?;
        Ok(SqliteQueue::new(self.clone(), index, readiness))
    }

    /// Returns the event bus.
    pub fn events(&self) -> SqliteEvents {
        SqliteEvents::new(self.clone())
    }

    /// Returns the statistics. Call this only once: the instance remembers what it has counted.
    pub fn statistics(&self) -> SqliteStatistics {
        SqliteStatistics::new(self.clone())
    }

    /// Returns the documents.
    pub fn documents(&self) -> SqliteDocuments {
        SqliteDocuments::new(self.clone())
    }

    /// Returns the reply cache, which keeps about this many replies.
    pub async fn reply_cache(&self, entries: usize) -> Result<SqliteReplyCache, DatabaseError> {
        SqliteReplyCache::open(self.clone(), entries).await
    }

    /// Returns once everything that has been acknowledged before is durable.
    pub async fn sync(&self) -> Result<(), DatabaseError> {
        self.0.writer.call(Access::Sync, |_| Ok(())).await
    }

    /// Makes sure that what was deleted is gone from the write-ahead log too, which otherwise holds
    /// old pages until it is written over. Does nothing unless something was deleted.
    pub async fn forget_deleted(&self) -> Result<(), DatabaseError> {
        let has_deleted = |engine: &mut Engine| Ok(std::mem::take(&mut engine.has_deleted));
        if !self.read(has_deleted).await? {
            return Ok(());
        }
        // A checkpoint cannot run inside the open transaction that other jobs share.
        let truncate = |engine: &mut Engine| {
            engine.has_deleted = true;
            let mut checkpoint =
                engine.connection.prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")?;
            let is_busy: bool = checkpoint.query_row((), |row| row.get(0))?;
            engine.has_deleted = is_busy;
            Ok(())
        };
        self.0.writer.call(Access::Exclusive, truncate).await
    }

    /// Writes, and waits until the write is durable; it changes nothing.
    pub(crate) async fn probe(&self) -> Result<(), DatabaseError> {
        self.write(Durability::Synced, |engine| {
            engine.connection.prepare_cached("UPDATE folded SET seq = seq")?.execute(()).map(drop)
        })
        .await
    }

    /// Makes writes fail, as those of a disk that cannot be written do.
    #[cfg(test)]
    pub(crate) async fn refuse_writes(&self, refuse: bool) -> Result<(), DatabaseError> {
        self.read(move |engine| engine.connection.pragma_update(None, "query_only", refuse)).await
    }

    /// Limits the size of the file, in pages of 4 KB, to simulate a full disk in tests.
    #[doc(hidden)]
    pub async fn limit_pages(&self, pages: u32) -> Result<(), DatabaseError> {
        self.read(move |engine| {
            engine.connection.execute_batch(&format!("PRAGMA max_page_count = {pages}"))
        })
        .await
    }

    /// Returns a channel that is notified when events are published.
    pub(super) fn published(&self) -> &watch::Sender<()> {
        &self.0.published
    }

    /// Returns the size of the database in bytes.
    pub async fn bytes(&self) -> Result<u64, DatabaseError> {
        let read = |engine: &mut Engine| {
            let pragma = |name: &str| {
                engine.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            };
            Ok((pragma("page_count")? * pragma("page_size")?).cast_unsigned())
        };
        self.read(read).await
    }

    /// Returns the connections that only read.
    pub(super) fn readers(&self) -> &Arc<Readers> {
        &self.0.readers
    }

    /// Returns the in-memory store for rates, which need not outlive the process.
    pub(super) fn rates(&self) -> &MemoryStore {
        &self.0.rates
    }

    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine) -> rusqlite::Result<T> + Send + 'static,
    {
        self.0.writer.call(Access::Read, work).await
    }

    pub(super) async fn write<T, W>(
        &self,
        durability: Durability,
        work: W,
    ) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine) -> rusqlite::Result<T> + Send + 'static,
    {
        self.0.writer.call(Access::Write(durability), work).await
    }
}
