//! Which sessions there are.

use rusqlite::params;
use shared::domain::SessionKey;
use shared::protocol::keys::META;

use super::Database;
use super::engine::rows_at_most;
use super::error::Failure;

impl Database {
    /// Lists the keys of sessions behind one, in their order, at most `limit`; some may be past their end.
    pub async fn session_keys(&self, after: Option<SessionKey>, limit: usize) -> Result<Vec<SessionKey>, Failure> {
        let list = move |engine: &mut super::engine::Engine| {
            let mut statement = engine.connection.prepare_cached(
                "SELECT partition FROM items WHERE sort = ?1 AND partition > ?2 ORDER BY partition LIMIT ?3",
            )?;
            let after = after.as_ref().map_or("", SessionKey::as_str);
            let rows = statement.query_map(params![META, after, rows_at_most(limit)], |row| row.get::<_, String>(0))?;
            // Nothing else has a row of that name.
            rows.map(|key| Ok(SessionKey::parse(key?).ok())).filter_map(Result::transpose).collect()
        };
        self.read(list).await
    }

    /// Returns how large the file is, in bytes.
    pub async fn size(&self) -> Result<u64, Failure> {
        let size = |engine: &mut super::engine::Engine| {
            let number = |pragma| engine.connection.query_row(pragma, (), |row| row.get(0).map(i64::cast_unsigned));
            Ok(number("PRAGMA page_count")? * number("PRAGMA page_size")?)
        };
        self.read(size).await
    }

    /// Counts the documents.
    pub async fn document_count(&self) -> Result<u64, Failure> {
        let count = |engine: &mut super::engine::Engine| {
            engine.connection.query_row("SELECT count(*) FROM documents", (), |row| row.get(0).map(i64::cast_unsigned))
        };
        self.read(count).await
    }
}
