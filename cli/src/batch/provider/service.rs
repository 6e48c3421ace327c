//! The interface to a provider's batch API.

use async_trait::async_trait;
use providers::BatchReply;
use serde_json::Value;
use shared::domain::{ErrorCode, ProviderName, Timestamp};
use shared::ports::ModelError;

use super::http::{ProviderHttp, ResultLines};
use crate::exit::unreachable;
use crate::output::cut;

/// The longest reason of a failure that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// The most of one batch that is held in memory while it is sent; the providers would take twice as
/// much.
pub(super) const MOST_BYTES: usize = 100_000_000;

/// The features by which a part is recognised at the provider.
#[derive(Debug, Clone)]
pub(super) struct BatchMarker {
    /// The prefix of its request IDs.
    pub(super) prefix: String,
    /// The number of requests.
    pub(super) count: u64,
    /// When its creation started, by this machine's clock.
    pub(super) at: Timestamp,
    /// Batches that are known to be different ones.
    pub(super) others: Vec<String>,
}

/// The result of searching for a part whose creation was interrupted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SearchResult {
    /// The provider has it under this id.
    Found(String),
    /// The provider does not have it.
    NotFound,
    /// One of these may be it; this is known once they have ended.
    Ambiguous(Vec<String>),
}

/// The status of a batch.
#[derive(Debug)]
pub(super) struct BatchStatus {
    /// The number of finished requests.
    pub(super) done: u64,
    /// The end, if it has ended.
    pub(super) end: Option<EndedBatch>,
    /// The provider's word for the status, if this program does not know it.
    pub(super) unknown_status: Option<String>,
}

/// A batch that has ended.
#[derive(Debug)]
pub(super) struct EndedBatch {
    /// When it ended, by the provider's clock.
    pub(super) at: Option<Timestamp>,
    /// How it ended.
    pub(super) outcome: BatchOutcome,
    /// Where its results are.
    pub(super) results: Vec<String>,
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BatchOutcome {
    /// Every request has its result.
    Completed,
    /// It expired; requests without a result were not run.
    Expired,
    /// It was cancelled; requests without a result were not run.
    Cancelled,
    /// It was rejected as a whole, and nothing was run.
    Failed(String),
}

/// The result of one request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RequestResult {
    /// A reply.
    Reply(BatchReply),
    /// It was cancelled.
    Cancelled,
    /// It failed.
    Failed {
        /// The error code.
        code: ErrorCode,
        /// The reason.
        reason: String,
    },
}

/// A provider's batch API.
#[async_trait]
pub(super) trait BatchService: Send + Sync {
    /// Returns the provider.
    fn provider(&self) -> ProviderName;
    /// Returns the maximum number of requests in a batch.
    fn most_requests(&self) -> usize;
    /// Returns a request as a line of a batch.
    fn line(&self, custom_id: &str, body: &Value) -> Value;
    /// Creates a batch of such lines, and returns its ID; never retried.
    ///
    /// After [`ModelError::Busy`] and [`ModelError::Broken`] it is unknown whether it was created.
    async fn create(&self, mark: &BatchMarker, lines: Vec<u8>) -> Result<String, ModelError>;
    /// Looks for a batch that may have been created.
    async fn find(&self, mark: &BatchMarker) -> Result<SearchResult, ModelError>;
    /// Returns the status of a batch.
    async fn status(&self, id: &str) -> Result<BatchStatus, ModelError>;
    /// Starts reading results; each line is an object with a `custom_id`.
    async fn results(&self, place: &str) -> Result<ResultLines, ModelError>;
    /// Parses a result.
    fn parse_result(&self, result: Value) -> RequestResult;
    /// Cancels a batch; finished results can be collected once it has ended.
    async fn cancel(&self, id: &str) -> Result<(), ModelError>;
}

impl RequestResult {
    /// Creates a failure from the provider's error name and message.
    pub(super) fn failed(http: &ProviderHttp, name: Option<&str>, message: Option<&str>) -> Self {
        let is_load = |name: &str| {
            ["api_error", "server_error", "overloaded", "timeout", "rate_limit"]
                .iter()
                .any(|load| name.contains(load))
        };
        let code = if name.is_some_and(is_load) {
            ErrorCode::ProvidersUnavailable
        } else {
            ErrorCode::ProvidersRejected
        };
        let said: Vec<_> = [name, message].into_iter().flatten().collect();
        let reason = if said.is_empty() {
            "the provider gave no reason".to_owned()
        } else {
            said.join(": ")
        };
        Self::Failed { code, reason: cut(&http.without_key(&reason), LONGEST_REASON) }
    }

    /// Creates the failure of an expired request.
    pub(super) fn expired() -> Self {
        let reason =
            "the provider did not process it within 24 hours; nothing was run or billed".to_owned();
        Self::Failed { code: ErrorCode::ProvidersUnavailable, reason }
    }

    /// Creates the failure of a result that this program does not know.
    pub(super) fn unknown(what: &str) -> Self {
        let reason =
            format!("this program does not know the provider's result type: {}", cut(what, 40));
        Self::Failed { code: ErrorCode::ProvidersUnavailable, reason }
    }
}

/// Returns the environment variable of a provider's key.
pub(super) fn key_variable(provider: ProviderName) -> Option<&'static str> {
    match provider {
        ProviderName::Claude => Some("ANTHROPIC_API_KEY"),
        ProviderName::OpenAi => Some("OPENAI_API_KEY"),
        ProviderName::Bedrock | ProviderName::Offline => None,
    }
}

/// Converts a provider's failure to an error with its exit code.
pub(super) fn provider_error(provider: ProviderName, error: &ModelError) -> anyhow::Error {
    match error {
        ModelError::Unauthorized(code) => {
            let variable = key_variable(provider).unwrap_or_default();
            unreachable(format!("{provider} refuses the key in {variable} ({code})"))
        }
        ModelError::Busy { code, .. } => {
            unreachable(format!("{provider} is busy, or a rate limit was reached ({code})"))
        }
        ModelError::Broken(why) => unreachable(format!("{provider} cannot be reached: {why}")),
        ModelError::Permanent(code) => {
            anyhow::anyhow!("{provider} rejected the request ({code})")
        }
    }
}

/// Parses an ID that a provider generated, which becomes part of URLs.
pub(super) fn id(value: &Value) -> Result<String, ModelError> {
    let id = value.as_str().unwrap_or_default();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if id.is_empty() || id.len() > 128 || !id.bytes().all(legal) {
        return Err(ModelError::Broken("the response has no valid ID".to_owned()));
    }
    Ok(id.to_owned())
}
