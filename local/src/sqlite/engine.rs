//! What the writer's thread owns.

use std::sync::Arc;

use rusqlite::Connection;
use shared::domain::Timestamp;
use shared::ports::Clock;

use super::item_cache::ItemCache;
use super::queue_index::QueueIndex;

/// The connection, and what is kept in memory beside it.
pub(super) struct Engine {
    pub(super) connection: Connection,
    pub(super) items: ItemCache,
    pub(super) queues: Vec<QueueIndex>,
    pub(super) clock: Arc<dyn Clock>,
    last_seq: u64,
    /// Set while memory is ahead of the tables: an error then ends the whole batch.
    pub(super) is_ahead: bool,
    /// The bytes that the batch has written.
    pub(super) written: usize,
}

impl Engine {
    pub(super) fn new(connection: Connection, clock: Arc<dyn Clock>) -> rusqlite::Result<Self> {
        let newest: Option<i64> =
            connection.query_row("SELECT max(seq) FROM messages", (), |row| row.get(0))?;
        let last_seq = newest.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0);
        let items = ItemCache::default();
        let queues = Vec::new();
        Ok(Self { connection, items, queues, clock, last_seq, is_ahead: false, written: 0 })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns a new place in the order of all queues.
    pub(super) fn next_seq(&mut self) -> u64 {
        self.last_seq = seq_at(self.now()).max(self.last_seq + 1);
        self.last_seq
    }

    pub(super) fn begin(&self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute(()).map(drop)
    }

    pub(super) fn commit(&self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute(()).map(drop)
    }

    /// Undoes the batch, in the tables and in memory.
    pub(super) fn roll_back(&mut self) -> rusqlite::Result<()> {
        // Until everything is read again: a failure on the way is made good before the next job.
        self.is_ahead = true;
        self.items.clear();
        // SQLite may have rolled back already: then there is nothing left to undo.
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        let now = self.now();
        for queue in &mut self.queues {
            queue.reload(&self.connection, now)?;
        }
        self.is_ahead = false;
        Ok(())
    }
}

/// Returns the first place that a message sent at `time` can have.
///
/// Places go with the time of day, so that none is used again after its row is gone, and old rows
/// are found by their place.
pub(super) fn seq_at(time: Timestamp) -> u64 {
    u64::try_from(time.0).unwrap_or(0).saturating_mul(1 << 20)
}

/// Returns when the message of a place was sent, or last brought back.
pub(super) fn sent_at(seq: u64) -> Timestamp {
    Timestamp(i64::try_from(seq >> 20).unwrap_or(i64::MAX))
}

/// Returns a number of rows as `SQLite` takes it.
pub(super) fn rows_at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
