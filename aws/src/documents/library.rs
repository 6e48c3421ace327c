//! The library in Aurora, for operators.

use std::time::Duration;

use async_trait::async_trait;
use shared::domain::{DocumentId, Principal, Timestamp};
use shared::ports::{DocumentInfo, DocumentsError, Library, NewDocument, PutResult};
use tokio::time::{Instant, sleep};

use super::data_api::{DataApi, Database, Row, Rows, StatementError, Value};
use crate::sdk::Sdk;

/// The Data API ends a statement after 45 seconds.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(50);
/// How long a database that was paused may take to resume.
const RESUME_TIMEOUT: Duration = Duration::from_mins(1);
const RESUME_PAUSE: Duration = Duration::from_secs(2);
/// The size of the parts, in bytes, in which a longer content is sent. A request of the Data API
/// has at most 4 MiB, in which JSON may write a byte as six.
const PART_BYTES: usize = 512 * 1024;
/// How many documents one statement lists. A response of the Data API has at most 1 MiB.
const MAX_PAGE: usize = 200;

/// The columns of [`DocumentInfo`]. A document that the trigger has not seen has no passages yet.
const INFO: &str = "SELECT d.id, d.title, d.owner, d.source_url, \
    coalesce(c.version, encode(sha256(convert_to(d.content, 'UTF8')), 'hex')) AS version, \
    coalesce(c.bytes, octet_length(d.content)) AS bytes, coalesce(c.passages, 0) AS passages, \
    CAST(extract(epoch FROM coalesce(c.changed_at, now())) * 1000 AS bigint) AS changed_at \
    FROM documents d LEFT JOIN chatbot_documents c ON c.document_id = d.id";
const PUT: &str = "INSERT INTO documents AS old (id, title, content, owner, source_url) \
    VALUES (:id, :title, $content, :owner, :source_url) \
    ON CONFLICT (id) DO UPDATE SET title = excluded.title, content = excluded.content, \
    owner = excluded.owner, source_url = excluded.source_url, version = old.version + 1 \
    WHERE (old.title, old.content, old.owner, old.source_url) IS DISTINCT FROM \
    (excluded.title, excluded.content, excluded.owner, excluded.source_url) \
    RETURNING xmax = 0 AS is_new";
/// Gathers a content that is longer than one request, until the transaction ends.
const PART: &str = "SELECT length(set_config('chatbot.content', \
    coalesce(current_setting('chatbot.content', true), '') || :part, true))";

/// Keeps the documents in the standard table; its triggers keep the passages.
///
/// Waits for a database that was paused.
#[derive(Debug, Clone)]
pub struct RdsLibrary {
    data_api: DataApi,
}

impl RdsLibrary {
    /// Creates the adapter. Makes no call. The login must be able to write.
    pub fn new(sdk: &Sdk, database: Database) -> Self {
        Self { data_api: DataApi::with_timeout(sdk, database, STATEMENT_TIMEOUT) }
    }

    async fn execute(
        &self,
        sql: &str,
        parameters: &[(&str, Value<'_>)],
    ) -> Result<Rows, DocumentsError> {
        let deadline = Instant::now() + RESUME_TIMEOUT;
        loop {
            match self.data_api.execute(sql, parameters, None).await {
                Err(error) if error.is_resuming() && Instant::now() < deadline => {
                    sleep(RESUME_PAUSE).await;
                }
                Err(error) if error.is_missing_schema() => return Err(not_set_up(error)),
                result => return Ok(result?),
            }
        }
    }

    /// Sends a long content in parts, and writes it in the same transaction.
    async fn put_in_parts(
        &self,
        sql: &str,
        parameters: &[(&str, Value<'_>)],
        content: &str,
    ) -> Result<Rows, StatementError> {
        let transaction = self.data_api.begin().await?;
        let written = async {
            let mut rest = content;
            while !rest.is_empty() {
                let (part, after) = rest.split_at(rest.floor_char_boundary(PART_BYTES));
                let part = [("part", Value::Text(Some(part)))];
                self.data_api.execute(PART, &part, Some(&transaction)).await?;
                rest = after;
            }
            let rows = self.data_api.execute(sql, parameters, Some(&transaction)).await?;
            self.data_api.commit(&transaction).await?;
            Ok(rows)
        };
        let written = written.await;
        if written.is_err() {
            self.data_api.roll_back(&transaction).await;
        }
        written
    }
}

#[async_trait]
impl Library for RdsLibrary {
    async fn put(
        &self,
        id: &DocumentId,
        document: &NewDocument,
    ) -> Result<PutResult, DocumentsError> {
        let NewDocument { title, content, owner, source_url } = document;
        document.check().map_err(|error| DocumentsError::Permanent(Box::new(error)))?;
        let mut parameters = vec![
            ("id", Value::Text(Some(id.as_str()))),
            ("title", Value::Text(Some(title))),
            ("owner", Value::Text(owner.as_ref().map(Principal::as_str))),
            ("source_url", Value::Text(source_url.as_deref())),
        ];
        let rows = if content.len() <= PART_BYTES {
            parameters.push(("content", Value::Text(Some(content))));
            self.execute(&PUT.replace("$content", ":content"), &parameters).await?
        } else {
            // Wakes a database that was paused, which a transaction could not wait for.
            self.stat(id).await?;
            let sql = PUT.replace("$content", "current_setting('chatbot.content')");
            self.put_in_parts(&sql, &parameters, content).await?
        };
        Ok(match rows.first() {
            None => PutResult::Unchanged,
            Some(row) if row.is_true("is_new") => PutResult::Created,
            Some(_) => PutResult::Replaced,
        })
    }

    async fn remove(&self, id: &DocumentId) -> Result<bool, DocumentsError> {
        let sql = "DELETE FROM documents WHERE id = :id RETURNING id";
        let rows = self.execute(sql, &[("id", Value::Text(Some(id.as_str())))]).await?;
        Ok(rows.first().is_some())
    }

    async fn list(
        &self,
        after: Option<&DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentInfo>, DocumentsError> {
        let sql = format!(
            "{INFO} WHERE d.id COLLATE \"C\" > :after ORDER BY d.id COLLATE \"C\" LIMIT :limit"
        );
        let mut listed: Vec<DocumentInfo> = Vec::new();
        let mut after = after.map_or("", DocumentId::as_str).to_owned();
        while listed.len() < limit {
            let page = MAX_PAGE.min(limit - listed.len());
            let parameters = [
                ("after", Value::Text(Some(&after))),
                ("limit", Value::Number(i64::try_from(page).unwrap_or(i64::MAX))),
            ];
            let rows = self.execute(&sql, &parameters).await?;
            listed.extend(rows.iter().filter_map(info));
            let last = rows.iter().last().and_then(|row| row.text("id"));
            let Some(last) = last.filter(|_| rows.iter().count() == page) else { break };
            after = last;
        }
        Ok(listed)
    }

    async fn stat(&self, id: &DocumentId) -> Result<Option<DocumentInfo>, DocumentsError> {
        let sql = format!("{INFO} WHERE d.id = :id");
        let rows = self.execute(&sql, &[("id", Value::Text(Some(id.as_str())))]).await?;
        Ok(rows.first().and_then(info))
    }
}

/// Reads a row; `None` if its ID is none that the chat could name.
fn info(row: Row<'_>) -> Option<DocumentInfo> {
    Some(DocumentInfo {
        id: DocumentId::parse(&row.text("id")?).ok()?,
        title: row.text("title").unwrap_or_default(),
        owner: row.text("owner").and_then(|owner| Principal::parse(&owner).ok()),
        source_url: row.text("source_url"),
        version: row.text("version").unwrap_or_default(),
        bytes: row.number("bytes").unwrap_or(0),
        passages: row.number("passages").unwrap_or(0),
        changed_at: Timestamp(
            row.number("changed_at").and_then(|ms| i64::try_from(ms).ok()).unwrap_or(0),
        ),
    })
}

fn not_set_up(error: StatementError) -> DocumentsError {
    tracing::error!(
        "the database lacks the tables of documents, or the login may not write them: run \
        infra/aurora/setup.sh"
    );
    error.into()
}
