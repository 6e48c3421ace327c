//! Deletes rows that are no longer needed.

use std::time::Duration;

use rusqlite::params;
use shared::ports::Durability;

use super::Database;
use super::engine::{Engine, rows_at_most, seq_at};
use super::error::DatabaseError;
use super::queue_rows::DELETED;

/// Ranges of partitions that do not belong to a session. Sessions are deleted by the cleanup.
const EXPIRING_PARTITIONS: [(&str, &str); 2] = [("budget#", "budget$"), ("nonce#", "nonce$")];
/// How long the row of a deleted message is kept. Its deduplication id applies for five minutes;
/// the rest is a margin for changes of the system clock.
const DELETED_RETENTION: Duration = Duration::from_mins(10);

impl Database {
    /// Deletes up to `limit` expired nonces and budgets, and as many rows of deleted messages.
    ///
    /// Returns how many rows it deleted. Call it again soon while that is close to the limit.
    pub async fn purge_expired(&self, limit: usize) -> Result<usize, DatabaseError> {
        let rates = self.rates().purge_expired(limit);
        let rows = self.write(Durability::Ordered, move |engine| {
            Ok(items(engine, limit)? + messages(engine, limit)?)
        });
        Ok(rates + rows.await?)
    }
}

fn items(engine: &mut Engine, limit: usize) -> rusqlite::Result<usize> {
    let now = engine.now().0.div_euclid(1000);
    let mut statement = engine.connection.prepare_cached(
        "DELETE FROM items WHERE (partition, sort) IN (
            SELECT partition, sort FROM items
            WHERE partition >= ?1 AND partition < ?2 AND expires_at <= ?3 LIMIT ?4)",
    )?;
    engine.items.clear();
    let mut removed = 0;
    for (from, to) in EXPIRING_PARTITIONS {
        removed += statement.execute(params![from, to, now, rows_at_most(limit - removed)])?;
    }
    Ok(removed)
}

fn messages(engine: &mut Engine, limit: usize) -> rusqlite::Result<usize> {
    let before = seq_at(engine.now().minus(DELETED_RETENTION)).cast_signed();
    let mut statement = engine.connection.prepare_cached(
        "DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE seq < ?1 AND state = \
        ?2 LIMIT ?3)",
    )?;
    statement.execute(params![before, DELETED, rows_at_most(limit)])
}
