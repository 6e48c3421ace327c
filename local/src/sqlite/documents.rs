//! The documents on `SQLite`.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Row, params};
use shared::domain::{DocumentId, Principal};
use shared::ports::{Document, DocumentSummary, Documents, DocumentsError, Durability};

use super::Database;
use super::engine::{Engine, rows_at_most};
use super::error::DatabaseError;

/// The largest number of documents in a list.
const MAX_LISTED: usize = 1000;

/// A document to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its id.
    pub id: DocumentId,
    /// Its title.
    pub title: String,
    /// Its content.
    pub content: String,
    /// The only principal who may read it; `None` if it is public.
    pub owner: Option<Principal>,
    /// The version of its content.
    pub version: String,
}

/// The documents on `SQLite`.
#[derive(Debug, Clone)]
pub struct SqliteDocuments {
    database: Database,
}

impl SqliteDocuments {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Counts the documents.
    pub async fn count(&self) -> Result<u64, DatabaseError> {
        let count = |engine: &mut Engine| {
            engine
                .connection
                .query_row("SELECT count(*) FROM documents", (), |row| row.get::<_, i64>(0))
        };
        Ok(self.database.read(count).await?.cast_unsigned())
    }

    /// Replaces all documents by these, in this order. Their ids must be unique.
    pub async fn replace_all(&self, documents: Vec<StoredDocument>) -> Result<(), DatabaseError> {
        self.database.write(Durability::Synced, move |engine| replace_all(engine, &documents)).await
    }
}

#[async_trait]
impl Documents for SqliteDocuments {
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        let id = id.clone();
        let reader = reader.clone();
        Ok(self.database.read(move |engine| fetch(engine, &id, &reader)).await?)
    }

    async fn list(&self, reader: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        let reader = reader.clone();
        let rows = self.database.read(move |engine| list(engine, &reader)).await?;
        let summary = |(id, title): (String, String)| {
            let id =
                DocumentId::parse(id).map_err(|error| DocumentsError::Permanent(error.into()))?;
            Ok(DocumentSummary { id, title })
        };
        rows.into_iter().map(summary).collect()
    }
}

fn fetch(
    engine: &Engine,
    id: &DocumentId,
    reader: &Principal,
) -> rusqlite::Result<Option<Document>> {
    let mut statement = engine.connection.prepare_cached(
        "SELECT title, content, owner IS NULL FROM documents WHERE id = ?1 AND (owner IS NULL OR \
        owner = ?2)",
    )?;
    let document = |row: &Row<'_>| {
        let title = row.get(0)?;
        let content = Arc::from(row.get_ref(1)?.as_str()?);
        Ok(Document { id: id.clone(), title, content, public: row.get(2)? })
    };
    statement.query_row([id.as_str(), reader.as_str()], document).optional()
}

fn list(engine: &Engine, reader: &Principal) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = engine.connection.prepare_cached(
        "SELECT id, title FROM documents WHERE owner IS NULL OR owner = ?1 ORDER BY position \
        LIMIT ?2",
    )?;
    let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    statement.query_map(params![reader.as_str(), rows_at_most(MAX_LISTED)], pair)?.collect()
}

fn replace_all(engine: &Engine, documents: &[StoredDocument]) -> rusqlite::Result<()> {
    engine.connection.execute("DELETE FROM documents", ())?;
    let mut insert = engine.connection.prepare_cached(
        "INSERT INTO documents (id, title, content, owner, version) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    documents.iter().try_for_each(|document| {
        let owner = document.owner.as_ref().map(Principal::as_str);
        let StoredDocument { id, title, content, version, .. } = document;
        insert.execute(params![id.as_str(), title, content, owner, version]).map(drop)
    })
}
