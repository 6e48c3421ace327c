//! The state that the writer's thread owns.

use std::sync::Arc;

use rusqlite::Connection;
use shared::domain::Timestamp;
use shared::ports::Clock;

use super::item_cache::ItemCache;
use super::queue_index::QueueIndex;

/// The connection, and the in-memory state that mirrors parts of the tables.
pub(super) struct Engine {
    pub(super) connection: Connection,
    pub(super) items: ItemCache,
    pub(super) queues: Vec<QueueIndex>,
    pub(super) clock: Arc<dyn Clock>,
    last_seq: u64,
    /// Set while the in-memory state has changed and the tables have not yet. An error in this time
    /// cannot be undone for one job alone, so it rolls back the whole batch.
    pub(super) is_ahead: bool,
    /// Whether items were deleted since the write-ahead log was last emptied.
    pub(super) has_deleted: bool,
    /// The bytes that the open batch has written.
    pub(super) written: usize,
}

impl Engine {
    pub(super) fn new(connection: Connection, clock: Arc<dyn Clock>) -> rusqlite::Result<Self> {
        let newest: Option<i64> =
            connection.query_row("SELECT max(seq) FROM messages", (), |row| row.get(0))?;
        let last_seq = newest.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0);
        let items = ItemCache::default();
        let queues = Vec::new();
        Ok(Self {
            connection,
            items,
            queues,
            clock,
            last_seq,
            is_ahead: false,
            // A process that was killed may have left deleted texts in the log.
            has_deleted: true,
            written: 0,
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns a new sequence number, which orders the messages of all queues.
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

    /// Rolls back the batch, and restores the in-memory state from the tables.
    pub(super) fn roll_back(&mut self) -> rusqlite::Result<()> {
        // Stays set if a step below fails; the writer then rolls back again before the next job.
        self.is_ahead = true;
        self.items.clear();
        // After some errors SQLite rolls back by itself.
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

/// Returns the smallest sequence number of a message sent at `time`.
///
/// Sequence numbers derive from the time: they are never reused after a row has been deleted, and
/// old rows can be found by their number.
pub(super) fn seq_at(time: Timestamp) -> u64 {
    u64::try_from(time.0).unwrap_or(0).saturating_mul(1 << 20)
}

/// Returns when the message with this sequence number was sent, or last redriven.
pub(super) fn sent_at(seq: u64) -> Timestamp {
    Timestamp(i64::try_from(seq >> 20).unwrap_or(i64::MAX))
}

/// Converts a limit to the type that `SQLite` expects.
pub(super) fn rows_at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
