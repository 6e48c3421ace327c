//! Documents in Aurora, through the RDS Data API.

mod data_api;
mod library;
mod search;
mod sql;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use knowledge::Query;
use shared::domain::{DocumentId, Principal};
use shared::ports::{Document, DocumentSummary, Documents, DocumentsError, Passage, SearchQuery};
use tokio::time::Instant;

use self::data_api::{DataApi, Value};
use crate::sdk::Sdk;

pub use data_api::Database;
pub use library::RdsLibrary;
pub use sql::{DOCUMENT_SQL, DocumentSql, SearchSql, SqlError};

/// The list of the standard table.
const LIST_SQL: &str = "SELECT id, title FROM chatbot_list(:principal)";
/// How long nothing is searched after the database turned out to lack the search.
const SEARCH_PAUSE: Duration = Duration::from_mins(5);

/// The documents' database and the queries that read it.
#[derive(Debug, Clone)]
pub struct DocumentSettings {
    /// The database, with the read-only login.
    pub database: Database,
    /// The query for one document.
    pub sql: DocumentSql,
    /// The query for passages; `None` if there is none that belongs to the query for one document.
    pub search: Option<SearchSql>,
}

/// Reads documents with the queries that the deployment configures.
///
/// `fetch` finds columns by their names, ignoring case: `content`, and optionally `title` and
/// `public`.
#[derive(Debug, Clone)]
pub struct RdsDocuments {
    data_api: DataApi,
    settings: Arc<DocumentSettings>,
    /// Until when the search is not asked, because the database lacks it.
    search_pause: Arc<Mutex<Option<Instant>>>,
}

impl RdsDocuments {
    /// Creates the adapter. Makes no call. Logs if the documents cannot be searched.
    pub fn new(sdk: &Sdk, settings: DocumentSettings) -> Self {
        if settings.search.is_none() {
            tracing::warn!(
                "documents are not searched: CHATBOT_DOCUMENT_SQL reads a table of your own; set \
                CHATBOT_SEARCH_SQL too"
            );
        }
        Self {
            data_api: DataApi::new(sdk, settings.database.clone()),
            settings: Arc::new(settings),
            search_pause: Arc::default(),
        }
    }

    fn pause_search(&self) {
        tracing::error!(
            "documents are not searched: the database has no search, or the login may not use it; \
            run infra/aurora/setup.sh"
        );
        let mut pause = self.search_pause.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = Some(Instant::now() + SEARCH_PAUSE);
    }
}

#[async_trait]
impl Documents for RdsDocuments {
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        let sql = &self.settings.sql;
        let mut parameters = vec![("id", Value::Text(Some(id.as_str())))];
        if sql.names_principal() {
            parameters.push(("principal", Value::Text(Some(reader.as_str()))));
        }
        let rows = self.data_api.execute(sql.text(), &parameters, None).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        if rows.column("content").is_none() {
            return Err(permanent("the query returns no column `content`"));
        }
        let Some(content) = row.text("content") else { return Ok(None) };
        // Only a query that says so, or that does not depend on the reader, is known to return what
        // everybody may read.
        let public = !sql.names_principal() || row.is_true("public");
        Ok(Some(Document {
            id: id.clone(),
            title: row.text("title").unwrap_or_default(),
            content: content.into(),
            public,
        }))
    }

    /// Lists the standard table. Nothing is listed of a table that only a query of the deployment's
    /// own knows: the ID comes from the page that embeds the chat.
    async fn list(&self, reader: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        if !self.settings.sql.is_standard() {
            return Ok(Vec::new());
        }
        let parameters = [("principal", Value::Text(Some(reader.as_str())))];
        let rows = match self.data_api.execute(LIST_SQL, &parameters, None).await {
            // The schema of an earlier version, which listed nothing.
            Err(error) if error.is_missing_schema() => return Ok(Vec::new()),
            result => result?,
        };
        let summaries = rows.iter().filter_map(|row| {
            let id = DocumentId::parse(&row.text("id")?).ok()?;
            Some(DocumentSummary { id, title: row.text("title").unwrap_or_default() })
        });
        Ok(summaries.collect())
    }

    async fn search(&self, query: SearchQuery<'_>) -> Result<Vec<Passage>, DocumentsError> {
        let Some(sql) = &self.settings.search else { return Ok(Vec::new()) };
        let asked = Query::new(query.text, query.previous.iter().copied());
        if asked.terms.is_empty() || query.limit == 0 {
            return Ok(Vec::new());
        }
        let terms = search::terms(&asked);
        let parameters = search::parameters(sql, &terms, &query);
        let rows = match self.data_api.execute(sql.text(), &parameters, None).await {
            Err(error) => {
                if error.is_missing_schema() {
                    self.pause_search();
                }
                return Err(error.into());
            }
            Ok(rows) => rows,
        };
        search::passages(&rows, &asked, &query)
    }

    /// Tells whether there is a search; not for five minutes after the database turned out to lack
    /// it, so that a deployment whose database was not set up anew answers as before.
    fn is_searchable(&self) -> bool {
        let pause = *self.search_pause.lock().unwrap_or_else(PoisonError::into_inner);
        self.settings.search.is_some() && pause.is_none_or(|until| Instant::now() >= until)
    }
}

fn permanent(reason: &'static str) -> DocumentsError {
    DocumentsError::Permanent(reason.into())
}
