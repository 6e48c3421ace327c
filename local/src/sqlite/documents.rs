//! The documents on `SQLite`: they are read, searched and kept here.

use std::sync::Arc;

use async_trait::async_trait;
use knowledge::Query;
use rusqlite::{OptionalExtension as _, Row, params};
use shared::domain::{DocumentId, Principal, Timestamp, sha256_hex};
use shared::ports::{
    Document, DocumentInfo, DocumentSummary, Documents, DocumentsError, Durability, Library,
    NewDocument, Passage, PutResult, SearchQuery,
};
use tokio::task::spawn_blocking;

use super::Database;
use super::engine::{Engine, rows_at_most};
use super::error::DatabaseError;
use super::passages::{self, Place, Prepared, SearchRequest};

/// The largest number of documents in a list.
const MAX_LISTED: usize = 1000;
/// The most passages that a search returns.
const MAX_PASSAGES: usize = 20;

/// Who keeps a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// An operator; a start leaves it alone.
    Operator,
    /// The documents that a start loads; the next start replaces it.
    Start,
}

/// The documents on `SQLite`.
#[derive(Debug, Clone)]
pub struct SqliteDocuments {
    database: Database,
}

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    position: i64,
    document: NewDocument,
    version: String,
    place: Place,
    origin: Origin,
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

    /// Makes the documents of earlier starts equal to these, in this order; what operators put stays.
    ///
    /// Documents that have not changed are not written. One of an operator with the same id is
    /// replaced. The ids must be unique.
    pub async fn load(
        &self,
        documents: Vec<(DocumentId, NewDocument)>,
    ) -> Result<(), DocumentsError> {
        let ids = |engine: &mut Engine| {
            let mut select =
                engine.connection.prepare("SELECT id FROM documents WHERE loaded = 1")?;
            let ids = select.query_map((), |row| row.get::<_, String>(0))?;
            ids.collect::<rusqlite::Result<Vec<_>>>()
        };
        for id in self.database.read(ids).await? {
            if !documents.iter().any(|(wanted, _)| wanted.as_str() == id) {
                let id = DocumentId::parse(id).map_err(permanent)?;
                self.delete(&id).await?;
            }
        }
        for (id, document) in documents {
            self.store(&id, &document, Origin::Start).await?;
        }
        Ok(())
    }

    /// Stores a document with its passages.
    ///
    /// Cutting and counting happen outside the database's thread, which would answer nobody
    /// meanwhile. If the document was changed by then, it is done again.
    async fn store(
        &self,
        id: &DocumentId,
        document: &NewDocument,
        origin: Origin,
    ) -> Result<PutResult, DocumentsError> {
        document.check().map_err(permanent)?;
        let version = sha256_hex(&document.content);
        loop {
            let old = self.stored(id).await?;
            let is_same = |old: &Stored| old.document == *document && old.version == version;
            if old.as_ref().is_some_and(|old| is_same(old) && old.origin == origin) {
                return Ok(PutResult::Unchanged);
            }
            let result = match &old {
                None => PutResult::Created,
                Some(old) if is_same(old) => PutResult::Unchanged,
                Some(_) => PutResult::Replaced,
            };
            let change = self.prepare(id, old, Some((document.clone(), version.clone()))).await?;
            let apply = move |engine: &mut Engine| change.apply(engine, origin);
            if self.database.write(Durability::Synced, apply).await? {
                return Ok(result);
            }
        }
    }

    async fn delete(&self, id: &DocumentId) -> Result<bool, DocumentsError> {
        loop {
            let Some(old) = self.stored(id).await? else { return Ok(false) };
            let change = self.prepare(id, Some(old), None).await?;
            let apply = move |engine: &mut Engine| change.apply(engine, Origin::Operator);
            if self.database.write(Durability::Synced, apply).await? {
                return Ok(true);
            }
        }
    }

    async fn stored(&self, id: &DocumentId) -> Result<Option<Stored>, DocumentsError> {
        let id = id.clone();
        Ok(self.database.read(move |engine| stored(engine, &id)).await?)
    }

    async fn prepare(
        &self,
        id: &DocumentId,
        old: Option<Stored>,
        new: Option<(NewDocument, String)>,
    ) -> Result<Change, DocumentsError> {
        let id = id.clone();
        let prepare = move || {
            let of = |document: &NewDocument| Prepared::new(&document.title, &document.content);
            let old = old.map(|old| (of(&old.document), old));
            let new = new.map(|(document, version)| (of(&document), document, version));
            Change { id, old, new }
        };
        spawn_blocking(prepare).await.map_err(permanent)
    }
}

fn permanent(error: impl std::error::Error + Send + Sync + 'static) -> DocumentsError {
    DocumentsError::Permanent(Box::new(error))
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
            let id = DocumentId::parse(id).map_err(permanent)?;
            Ok(DocumentSummary { id, title })
        };
        rows.into_iter().map(summary).collect()
    }

    async fn search(&self, query: SearchQuery<'_>) -> Result<Vec<Passage>, DocumentsError> {
        let request = SearchRequest {
            query: Query::new(query.text, query.previous.iter().copied()),
            reader: query.reader.as_str().to_owned(),
            within: query.within.cloned(),
            limit: query.limit.min(MAX_PASSAGES),
        };
        let search =
            move |connection: &rusqlite::Connection| passages::search(connection, &request);
        Ok(self.database.readers().read(search).await?)
    }

    fn is_searchable(&self) -> bool {
        true
    }
}

#[async_trait]
impl Library for SqliteDocuments {
    async fn put(
        &self,
        id: &DocumentId,
        document: &NewDocument,
    ) -> Result<PutResult, DocumentsError> {
        self.store(id, document, Origin::Operator).await
    }

    async fn remove(&self, id: &DocumentId) -> Result<bool, DocumentsError> {
        self.delete(id).await
    }

    async fn list(
        &self,
        after: Option<&DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentInfo>, DocumentsError> {
        let after = after.map_or("", DocumentId::as_str).to_owned();
        let list = move |engine: &mut Engine| {
            let mut select = engine
                .connection
                .prepare_cached(&format!("{INFO} WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
            let rows = select.query_map(params![after, rows_at_most(limit)], info)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        Ok(self.database.read(list).await?.into_iter().flatten().collect())
    }

    async fn stat(&self, id: &DocumentId) -> Result<Option<DocumentInfo>, DocumentsError> {
        let id = id.clone();
        let stat = move |engine: &mut Engine| {
            let mut select = engine.connection.prepare_cached(&format!("{INFO} WHERE id = ?1"))?;
            select.query_row([id.as_str()], info).optional()
        };
        Ok(self.database.read(stat).await?.flatten())
    }
}

/// A change of one document, with everything that takes time done.
struct Change {
    id: DocumentId,
    old: Option<(Prepared, Stored)>,
    new: Option<(Prepared, NewDocument, String)>,
}

impl Change {
    /// Writes the change; `false` if the document is not as it was read.
    fn apply(self, engine: &mut Engine, origin: Origin) -> rusqlite::Result<bool> {
        let current = stored(engine, &self.id)?;
        if current.as_ref() != self.old.as_ref().map(|(_, old)| old) {
            return Ok(false);
        }
        let connection = &engine.connection;
        if let Some((prepared, old)) = &self.old {
            passages::remove(connection, old.place, prepared)?;
            engine.has_deleted = true;
        }
        let position = self.old.as_ref().map(|(_, old)| old.position);
        let Some((prepared, document, version)) = self.new else {
            let mut delete =
                connection.prepare_cached("DELETE FROM documents WHERE position = ?1")?;
            return delete.execute([position]).map(|_| true);
        };
        let NewDocument { title, content, owner, source_url } = document;
        let owner = owner.as_ref().map(Principal::as_str);
        // Without a position it gets the next one.
        let position: i64 = connection
            .prepare_cached(
                "INSERT INTO documents
                    (position, id, title, content, owner, version, source_url, changed_at, loaded)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                ON CONFLICT (position) DO UPDATE SET title = excluded.title,
                    content = excluded.content, owner = excluded.owner,
                    version = excluded.version, source_url = excluded.source_url,
                    changed_at = excluded.changed_at, loaded = excluded.loaded
                RETURNING position",
            )?
            .query_row(
                params![
                    position,
                    self.id.as_str(),
                    title,
                    content,
                    owner,
                    version,
                    source_url,
                    engine.now().0,
                    origin == Origin::Start,
                ],
                |row| row.get(0),
            )?;
        let place = passages::insert(connection, position, owner, &prepared)?;
        connection
            .prepare_cached(
                "UPDATE documents SET scope = ?2, first = ?3, passages = ?4 WHERE position = ?1",
            )?
            .execute(params![position, place.scope, place.first, place.count])?;
        engine.written += content.len() + prepared.bytes();
        Ok(true)
    }
}

fn stored(engine: &Engine, id: &DocumentId) -> rusqlite::Result<Option<Stored>> {
    let mut select = engine.connection.prepare_cached(
        "SELECT position, title, content, owner, source_url, version, scope, first, passages, loaded
        FROM documents WHERE id = ?1",
    )?;
    let document = |row: &Row<'_>| {
        let owner: Option<String> = row.get(3)?;
        Ok(Stored {
            position: row.get(0)?,
            document: NewDocument {
                title: row.get(1)?,
                content: row.get(2)?,
                owner: owner.and_then(|owner| Principal::parse(owner).ok()),
                source_url: row.get(4)?,
            },
            version: row.get(5)?,
            place: Place { scope: row.get(6)?, first: row.get(7)?, count: row.get(8)? },
            origin: if row.get(9)? { Origin::Start } else { Origin::Operator },
        })
    };
    select.query_row([id.as_str()], document).optional()
}

/// What the library knows of documents.
const INFO: &str = "SELECT id, title, owner, source_url, version, length(CAST(content AS BLOB)), \
    passages, changed_at FROM documents";

/// Reads a row of [`INFO`].
fn info(row: &Row<'_>) -> rusqlite::Result<Option<DocumentInfo>> {
    let id: String = row.get(0)?;
    let owner: Option<String> = row.get(2)?;
    let Ok(id) = DocumentId::parse(id) else { return Ok(None) };
    Ok(Some(DocumentInfo {
        id,
        title: row.get(1)?,
        owner: owner.and_then(|owner| Principal::parse(owner).ok()),
        source_url: row.get(3)?,
        version: row.get(4)?,
        bytes: row.get::<_, i64>(5)?.cast_unsigned(),
        passages: row.get::<_, i64>(6)?.cast_unsigned(),
        changed_at: Timestamp(row.get(7)?),
    }))
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
