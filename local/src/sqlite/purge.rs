//! Removing what nobody reads any more.

use std::time::Duration;

use rusqlite::params;
use shared::ports::Durability;

use super::Database;
use super::engine::{Engine, rows_at_most, seq_at};
use super::error::Failure;
use super::queue_rows::DELETED;

/// The partitions of rows apart from any session, each as a range; sessions are removed by the
/// cleanup.
const APART: [(&str, &str); 2] = [("budget#", "budget$"), ("nonce#", "nonce$")];
/// How long a deleted message is kept: its deduplication id counts for five minutes, and clocks may
/// be set.
const KEEP_DELETED: Duration = Duration::from_mins(10);

impl Database {
    /// Removes up to `limit` expired nonces and budgets, and as many rows of deleted messages.
    ///
    /// Returns how many it removed; call it now and then, and again soon while it removes many.
    pub async fn purge_expired(&self, limit: usize) -> Result<usize, Failure> {
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
    for (from, to) in APART {
        removed += statement.execute(params![from, to, now, rows_at_most(limit - removed)])?;
    }
    Ok(removed)
}

fn messages(engine: &mut Engine, limit: usize) -> rusqlite::Result<usize> {
    let before = seq_at(engine.now().minus(KEEP_DELETED)).cast_signed();
    let mut statement = engine.connection.prepare_cached(
        "DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE seq < ?1 AND state = \
        ?2 LIMIT ?3)",
    )?;
    statement.execute(params![before, DELETED, rows_at_most(limit)])
}
