//! The event bus on `SQLite`.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Row, params};
use shared::domain::Timestamp;
use shared::ports::{Durability, EventEntry, Events, EventsError};
use tokio::sync::watch;

use super::Database;
use super::engine::{Engine, rows_at_most};
use super::error::DatabaseError;

/// How long events are kept.
pub const RETENTION: Duration = Duration::from_hours(24 * 90);
/// The largest number of entries in a call.
const MAX_ENTRIES: usize = 10;

/// A published event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its position in the order of publishing.
    pub seq: i64,
    /// The id for deduplication: an event may be published twice.
    pub id: String,
    /// The detail type.
    pub detail_type: String,
    /// The detail, a JSON object in text form.
    pub detail: String,
    /// When it was published.
    pub published_at: Timestamp,
}

/// The event bus on `SQLite`: events are kept for [`RETENTION`].
///
/// An event is durable before any write that follows it.
#[derive(Debug, Clone)]
pub struct SqliteEvents {
    database: Database,
}

impl SqliteEvents {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Lists up to `limit` events after a position, in order. Positions begin at 1.
    pub async fn list(&self, after: i64, limit: usize) -> Result<Vec<StoredEvent>, DatabaseError> {
        self.database.read(move |engine| list(engine, after, limit)).await
    }

    /// Returns the position of the newest event, or 0 without any.
    pub async fn newest(&self) -> Result<i64, DatabaseError> {
        let newest = |engine: &mut Engine| {
            engine
                .connection
                .query_row("SELECT coalesce(max(seq), 0) FROM events", (), |row| row.get(0))
        };
        self.database.read(newest).await
    }

    /// Returns a channel that is notified when events are published.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.database.published().subscribe()
    }

    /// Deletes up to `limit` events past their retention. Returns how many it deleted.
    pub async fn purge(&self, limit: usize) -> Result<usize, DatabaseError> {
        self.database.write(Durability::Ordered, move |engine| purge(engine, limit)).await
    }
}

#[async_trait]
impl Events for SqliteEvents {
    async fn put(&self, entries: &[EventEntry]) -> Result<Vec<usize>, EventsError> {
        if entries.len() > MAX_ENTRIES {
            return Err(EventsError("more than ten entries".into()));
        }
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| (entry.id.clone(), entry.detail_type, entry.detail.to_string()))
            .collect();
        let put = move |engine: &mut Engine| {
            let now = engine.now().0;
            let mut statement = engine.connection.prepare_cached(
                // The place up to which events are folded counts too: once all events have been
                // purged, numbers would begin at 1 again, and statistics and readers that remember
                // a place would miss every event until it is passed.
                "INSERT INTO events (seq, id, detail_type, detail, published_at)
                 VALUES (
                    1 + max(
                        coalesce((SELECT max(seq) FROM events), 0),
                        (SELECT max(seq) FROM folded),
                        coalesce((SELECT max(until) FROM refolding), 0)),
                    ?1, ?2, ?3, ?4)",
            )?;
            entries.iter().try_for_each(|(id, detail_type, detail)| {
                statement.execute(params![id, detail_type, detail, now]).map(drop)
            })
        };
        self.database.write(Durability::Ordered, put).await?;
        self.database.published().send_replace(());
        Ok(Vec::new())
    }
}

fn list(engine: &Engine, after: i64, limit: usize) -> rusqlite::Result<Vec<StoredEvent>> {
    let mut statement = engine.connection.prepare_cached(
        "SELECT seq, id, detail_type, detail, published_at FROM events WHERE seq > ?1 ORDER BY \
        seq LIMIT ?2",
    )?;
    let event = |row: &Row<'_>| {
        let [id, detail_type, detail] = [row.get(1)?, row.get(2)?, row.get(3)?];
        Ok(StoredEvent {
            seq: row.get(0)?,
            id,
            detail_type,
            detail,
            published_at: Timestamp(row.get(4)?),
        })
    };
    statement.query_map(params![after, rows_at_most(limit)], event)?.collect()
}

/// Deletes the oldest events. Only the oldest `limit` rows are examined, because events are stored
/// in the order of their times.
fn purge(engine: &Engine, limit: usize) -> rusqlite::Result<usize> {
    let before = engine.now().minus(RETENTION).0;
    let mut statement = engine.connection.prepare_cached(
        "DELETE FROM events WHERE seq IN (
            SELECT seq FROM (SELECT seq, published_at FROM events ORDER BY seq LIMIT ?2) WHERE \
            published_at < ?1)",
    )?;
    statement.execute(params![before, rows_at_most(limit)])
}
