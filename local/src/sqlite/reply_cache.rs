//! The reply cache on `SQLite`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, params};
use shared::ports::{CacheError, CacheKey, CachedReply, Durability, ReplyCache};

use super::Database;
use super::engine::{Engine, rows_at_most};
use super::error::DatabaseError;

/// The number of stored replies after which the oldest ones are deleted.
pub const PRUNE_EVERY: u64 = 32;
/// Not part of the migrations: its content can be lost, and a database without it is complete.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS reply_cache (
        key TEXT PRIMARY KEY,
        reply TEXT NOT NULL,
        put_at INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS reply_cache_put_at ON reply_cache (put_at);";

/// The reply cache on `SQLite`. It outlives the process; the oldest replies are removed first.
#[derive(Debug, Clone)]
pub struct SqliteReplyCache {
    database: Database,
    entries: usize,
    puts: Arc<AtomicU64>,
}

impl SqliteReplyCache {
    pub(super) async fn open(database: Database, entries: usize) -> Result<Self, DatabaseError> {
        database
            .write(Durability::Ordered, |engine| engine.connection.execute_batch(TABLE))
            .await?;
        Ok(Self { database, entries, puts: Arc::default() })
    }

    async fn find(&self, key: &CacheKey) -> Result<Option<CachedReply>, CacheError> {
        let key = key.clone();
        let text = self.database.read(move |engine| find(engine, &key)).await.map_err(failed)?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| CacheError(error.into()))
    }
}

#[async_trait]
impl ReplyCache for SqliteReplyCache {
    async fn get(&self, key: &CacheKey) -> Result<Option<CachedReply>, CacheError> {
        self.find(key).await
    }

    async fn put(
        &self,
        key: &CacheKey,
        reply: &CachedReply,
        keep: Duration,
    ) -> Result<(), CacheError> {
        let text = serde_json::to_string(reply).map_err(|error| CacheError(error.into()))?;
        // One statement per write: if it fails, it has changed nothing, and only this write fails
        // instead of the whole batch.
        let key = key.clone();
        let insert = move |engine: &mut Engine| insert(engine, &key, &text, keep);
        self.database.write(Durability::Ordered, insert).await.map_err(failed)?;
        if self.puts.fetch_add(1, Ordering::Relaxed).is_multiple_of(PRUNE_EVERY) {
            let entries = self.entries;
            let prune = move |engine: &mut Engine| prune(engine, entries);
            self.database.write(Durability::Ordered, prune).await.map_err(failed)?;
        }
        Ok(())
    }
}

fn find(engine: &Engine, key: &CacheKey) -> rusqlite::Result<Option<String>> {
    let mut statement = engine
        .connection
        .prepare_cached("SELECT reply FROM reply_cache WHERE key = ?1 AND until > ?2")?;
    statement.query_row(params![key.as_str(), engine.now().0], |row| row.get(0)).optional()
}

fn insert(
    engine: &mut Engine,
    key: &CacheKey,
    reply: &str,
    keep: Duration,
) -> rusqlite::Result<()> {
    let now = engine.now();
    let mut statement = engine.connection.prepare_cached(
        "INSERT OR REPLACE INTO reply_cache (key, reply, put_at, until) VALUES (?1, ?2, ?3, ?4)",
    )?;
    statement.execute(params![key.as_str(), reply, now.0, now.plus(keep).0])?;
    engine.written += reply.len();
    Ok(())
}

fn prune(engine: &Engine, entries: usize) -> rusqlite::Result<()> {
    let mut statement = engine.connection.prepare_cached(
        "DELETE FROM reply_cache WHERE until <= ?1 OR rowid IN
            (SELECT rowid FROM reply_cache ORDER BY put_at DESC, rowid DESC LIMIT -1 OFFSET ?2)",
    )?;
    statement.execute(params![engine.now().0, rows_at_most(entries)]).map(drop)
}

fn failed(failure: DatabaseError) -> CacheError {
    CacheError(failure.into())
}
