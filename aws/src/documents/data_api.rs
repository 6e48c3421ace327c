//! Statements through the RDS Data API, and their rows.

use std::time::Duration;

use aws_sdk_rdsdata::Client;
use aws_sdk_rdsdata::config::Builder;
use aws_sdk_rdsdata::error::ProvideErrorMetadata;
use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementOutput;
use aws_sdk_rdsdata::types::{Field, SqlParameter};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::timeout::TimeoutConfig;
use shared::ports::DocumentsError;

use crate::call_error::{CallError, CallErrorKind};
use crate::sdk::{Sdk, Service};

/// Error codes of the Data API that are worth another try: the database resumes, is unavailable, or
/// is overloaded.
const RETRYABLE_CODES: [&str; 8] = [
    RESUMING,
    "DatabaseUnavailableException",
    "StatementTimeoutException",
    "ServiceUnavailableError",
    "InternalServerErrorException",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionTimeoutException",
];
/// The error code of a database that was paused and takes some seconds to resume.
const RESUMING: &str = "DatabaseResumingException";
/// Classes of SQL states that are worth another try: connection exception, transaction rollback,
/// insufficient resources, operator intervention, system error.
const RETRYABLE_SQL_STATES: [&str; 5] = ["08", "40", "53", "57", "58"];

/// A database that is reached through the Data API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The cluster's ARN.
    pub cluster_arn: String,
    /// The ARN of the secret with the login.
    pub secret_arn: String,
    /// The name of the database.
    pub name: String,
}

/// A client of one database.
#[derive(Debug, Clone)]
pub(super) struct DataApi {
    client: Client,
    database: Database,
}

/// A statement that failed.
#[derive(Debug)]
pub(super) struct StatementError {
    error: CallError,
    state: Option<String>,
}

/// A value to be bound by its name. Absent text is `NULL`.
pub(super) enum Value<'a> {
    Text(Option<&'a str>),
    Number(i64),
}

impl DataApi {
    /// Creates the client. Makes no call.
    pub(super) fn new(sdk: &Sdk, database: Database) -> Self {
        Self { client: Client::new(&sdk.config(Service::RdsData)), database }
    }

    /// Creates a client that waits `timeout` for a statement, for those that write much.
    pub(super) fn with_timeout(sdk: &Sdk, database: Database, timeout: Duration) -> Self {
        let config = sdk.config(Service::RdsData);
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(timeout).build();
        let config = Builder::from(&config).timeout_config(timeouts).build();
        Self { client: Client::from_conf(config), database }
    }

    /// Runs one statement, in a transaction if one is given.
    pub(super) async fn execute(
        &self,
        sql: &str,
        parameters: &[(&str, Value<'_>)],
        transaction: Option<&str>,
    ) -> Result<Rows, StatementError> {
        let mut statement = self
            .client
            .execute_statement()
            .resource_arn(&self.database.cluster_arn)
            .secret_arn(&self.database.secret_arn)
            .database(&self.database.name)
            .sql(sql)
            .include_result_metadata(true)
            .set_transaction_id(transaction.map(str::to_owned));
        for (name, value) in parameters {
            let value = match value {
                Value::Text(Some(text)) => Field::StringValue((*text).to_owned()),
                Value::Text(None) => Field::IsNull(true),
                Value::Number(number) => Field::LongValue(*number),
            };
            statement =
                statement.parameters(SqlParameter::builder().name(*name).value(value).build());
        }
        let output = statement.send().await;
        output.map(Rows::new).map_err(|error| failed("rds-data ExecuteStatement", &error))
    }

    /// Begins a transaction and returns its ID. The Data API rolls it back after three minutes
    /// without a statement.
    pub(super) async fn begin(&self) -> Result<String, StatementError> {
        let Database { cluster_arn, secret_arn, name } = &self.database;
        let call = self.client.begin_transaction().resource_arn(cluster_arn).secret_arn(secret_arn);
        let begun = call.database(name).send().await;
        let begun = begun.map_err(|error| failed("rds-data BeginTransaction", &error))?;
        Ok(begun.transaction_id.unwrap_or_default())
    }

    /// Commits a transaction.
    pub(super) async fn commit(&self, transaction: &str) -> Result<(), StatementError> {
        let Database { cluster_arn, secret_arn, .. } = &self.database;
        let call = self.client.commit_transaction().resource_arn(cluster_arn);
        let done = call.secret_arn(secret_arn).transaction_id(transaction).send().await;
        done.map(drop).map_err(|error| failed("rds-data CommitTransaction", &error))
    }

    /// Rolls a transaction back. If that fails, the Data API does it later.
    pub(super) async fn roll_back(&self, transaction: &str) {
        let Database { cluster_arn, secret_arn, .. } = &self.database;
        let call = self.client.rollback_transaction().resource_arn(cluster_arn);
        let _ = call.secret_arn(secret_arn).transaction_id(transaction).send().await;
    }
}

impl StatementError {
    /// Returns whether the database has no such function or table, or the login may not use it.
    pub(super) fn is_missing_schema(&self) -> bool {
        matches!(self.state.as_deref(), Some("42883" | "42P01" | "42501" | "3F000"))
    }

    /// Returns whether the database was paused and is about to answer.
    pub(super) fn is_resuming(&self) -> bool {
        self.error.code() == Some(RESUMING)
    }
}

impl From<StatementError> for DocumentsError {
    fn from(StatementError { error, state }: StatementError) -> Self {
        let is_transient = match (error.kind(), error.code()) {
            (CallErrorKind::Connection | CallErrorKind::Timeout | CallErrorKind::Response, _) => {
                true
            }
            (CallErrorKind::Service, Some(code)) if RETRYABLE_CODES.contains(&code) => true,
            _ => state.as_deref().is_some_and(|state| {
                RETRYABLE_SQL_STATES.iter().any(|class| state.starts_with(class))
            }),
        };
        let error = match state {
            Some(state) => error.with_detail(format!("SQL state {state}")),
            None => error,
        };
        if is_transient { Self::Unavailable(error.into()) } else { Self::Permanent(error.into()) }
    }
}

fn failed<E: ProvideErrorMetadata>(
    call: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> StatementError {
    let message = error.as_service_error().and_then(ProvideErrorMetadata::message);
    StatementError {
        error: CallError::from_sdk(call, error),
        state: message.and_then(sql_state).map(str::to_owned),
    }
}

/// Finds the SQL state in a database's error message. The rest of the message is dropped, because
/// it may quote data.
fn sql_state(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("SQLState: ")?;
    rest.get(..5).filter(|state| state.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// What a statement returned. Columns are found by their names, ignoring case.
#[derive(Debug)]
pub(super) struct Rows(ExecuteStatementOutput);

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    rows: &'a Rows,
    fields: &'a [Field],
}

impl Rows {
    fn new(output: ExecuteStatementOutput) -> Self {
        Self(output)
    }

    /// Returns the rows in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.0.records().iter().map(|fields| Row { rows: self, fields })
    }

    /// Returns the first row.
    pub(super) fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }

    /// Returns where a column is; `None` if the statement returns none of that name.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.0.column_metadata().iter().position(|column| {
            let label = column.label().filter(|label| !label.is_empty()).or(column.name());
            label.is_some_and(|label| label.eq_ignore_ascii_case(name))
        })
    }
}

impl Row<'_> {
    /// Returns a value as text; `None` if it is `NULL` or there is no such column. Numbers are
    /// accepted because a title may be one.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.field(name)? {
            Field::StringValue(text) => Some(text.clone()),
            Field::LongValue(number) => Some(number.to_string()),
            Field::DoubleValue(number) => Some(number.to_string()),
            Field::BooleanValue(yes) => Some(yes.to_string()),
            _ => None,
        }
    }

    /// Returns a whole number that is not negative.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        match self.field(name)? {
            Field::LongValue(number) => u64::try_from(*number).ok(),
            Field::StringValue(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Returns a truth value.
    pub(super) fn is_true(&self, name: &str) -> bool {
        matches!(self.field(name), Some(Field::BooleanValue(true)))
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(self.rows.column(name)?)
    }
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
