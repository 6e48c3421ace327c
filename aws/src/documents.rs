//! Documents in Aurora, read through the RDS Data API.

mod sql;

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_rdsdata::Client;
use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementOutput;
use aws_sdk_rdsdata::types::{Field, SqlParameter};
use shared::domain::{DocumentId, Principal};
use shared::ports::{Document, DocumentSummary, Documents, DocumentsError};

use crate::call_error::{CallError, CallErrorKind};
use crate::sdk::{Sdk, Service};

pub use sql::{DocumentSql, SqlError};

/// Error codes of the Data API that are worth another try: the database resumes, is unavailable, or
/// is overloaded.
const RETRYABLE_CODES: [&str; 8] = [
    "DatabaseResumingException",
    "DatabaseUnavailableException",
    "StatementTimeoutException",
    "ServiceUnavailableError",
    "InternalServerErrorException",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionTimeoutException",
];
/// Classes of SQL states that are worth another try: connection exception, transaction rollback,
/// insufficient resources, operator intervention, system error.
const RETRYABLE_SQL_STATES: [&str; 5] = ["08", "40", "53", "57", "58"];

/// The documents' database and the query for one document.
#[derive(Debug, Clone)]
pub struct DocumentSettings {
    /// The cluster's ARN.
    pub cluster_arn: String,
    /// The ARN of the secret with the read-only login.
    pub secret_arn: String,
    /// The name of the database.
    pub database: String,
    /// The query.
    pub sql: DocumentSql,
}

/// Reads one document per call, with the query that the deployment configures.
///
/// Columns are found by their names, `title` and `content`, ignoring case. The title is optional.
#[derive(Debug, Clone)]
pub struct RdsDocuments {
    client: Client,
    settings: Arc<DocumentSettings>,
}

impl RdsDocuments {
    /// Creates the adapter. Makes no call.
    pub fn new(sdk: &Sdk, settings: DocumentSettings) -> Self {
        Self { client: Client::new(&sdk.config(Service::RdsData)), settings: Arc::new(settings) }
    }

    async fn execute(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<ExecuteStatementOutput, DocumentsError> {
        let DocumentSettings { cluster_arn, secret_arn, database, sql } = &*self.settings;
        let mut statement = self
            .client
            .execute_statement()
            .resource_arn(cluster_arn)
            .secret_arn(secret_arn)
            .database(database)
            .sql(sql.text())
            .include_result_metadata(true)
            .parameters(parameter("id", id.as_str()));
        if sql.names_principal() {
            statement = statement.parameters(parameter("principal", reader.as_str()));
        }
        statement.send().await.map_err(|error| {
            let state = error
                .as_service_error()
                .and_then(|error| error.meta().message())
                .and_then(sql_state);
            documents_error(CallError::from_sdk("rds-data ExecuteStatement", &error), state)
        })
    }
}

#[async_trait]
impl Documents for RdsDocuments {
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        let answer = self.execute(id, reader).await?;
        let Some(row) = answer.records().first() else { return Ok(None) };
        let content = column(&answer, "content")
            .ok_or_else(|| permanent("the query returns no column `content`"))?;
        let Some(content) = row.get(content).and_then(text) else { return Ok(None) };
        let title = column(&answer, "title").and_then(|column| row.get(column)).and_then(text);
        // Only a query that does not depend on the reader is known to return what everybody may
        // read.
        let public = !self.settings.sql.names_principal();
        Ok(Some(Document {
            id: id.clone(),
            title: title.unwrap_or_default(),
            content: content.into(),
            public,
        }))
    }

    /// Lists nothing: the query reads one document, whose id comes from the page that embeds the
    /// chat.
    async fn list(&self, _: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        Ok(Vec::new())
    }
}

fn parameter(name: &str, value: &str) -> SqlParameter {
    SqlParameter::builder().name(name).value(Field::StringValue(value.to_owned())).build()
}

fn column(answer: &ExecuteStatementOutput, name: &str) -> Option<usize> {
    answer.column_metadata().iter().position(|column| {
        let label = column.label().filter(|label| !label.is_empty()).or(column.name());
        label.is_some_and(|label| label.eq_ignore_ascii_case(name))
    })
}

/// Returns a value as text. Numbers are accepted because a title may be one.
fn text(field: &Field) -> Option<String> {
    match field {
        Field::StringValue(text) => Some(text.clone()),
        Field::LongValue(number) => Some(number.to_string()),
        Field::DoubleValue(number) => Some(number.to_string()),
        Field::BooleanValue(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// Finds the SQL state in a database's error message. The rest of the message is dropped, because
/// it may quote data.
fn sql_state(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("SQLState: ")?;
    rest.get(..5).filter(|state| state.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn documents_error(error: CallError, state: Option<&str>) -> DocumentsError {
    let is_transient = match (error.kind(), error.code()) {
        (CallErrorKind::Connection | CallErrorKind::Timeout | CallErrorKind::Response, _) => true,
        (CallErrorKind::Service, Some(code)) if RETRYABLE_CODES.contains(&code) => true,
        _ => state
            .is_some_and(|state| RETRYABLE_SQL_STATES.iter().any(|class| state.starts_with(class))),
    };
    let error = match state {
        Some(state) => error.with_detail(format!("SQL state {state}")),
        None => error,
    };
    if is_transient {
        DocumentsError::Unavailable(error.into())
    } else {
        DocumentsError::Permanent(error.into())
    }
}

fn permanent(reason: &'static str) -> DocumentsError {
    DocumentsError::Permanent(reason.into())
}

#[cfg(test)]
mod tests {
    use super::sql_state;

    #[test]
    fn of_a_message_only_the_sql_state_is_kept() {
        let message = "ERROR: relation \"canary\" does not exist; Position: 8; SQLState: 42P01";
        assert_eq!(sql_state(message), Some("42P01"));
        assert_eq!(sql_state("SQLState: é🎈"), None);
        assert_eq!(sql_state("canary"), None);
    }
}
