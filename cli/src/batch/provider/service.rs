//! What is asked of a provider, whichever it is.

use async_trait::async_trait;
use providers::{BatchReply, ClaudeSettings, OpenAiSettings};
use secrecy::SecretString;
use serde_json::Value;
use shared::domain::{ErrorCode, ProviderName, Timestamp};
use shared::http_client::{self, ClientSettings};
use shared::ports::ModelError;

use super::anthropic::Anthropic;
use super::http::{Http, ResultLines};
use super::openai::OpenAi;
use crate::config::Config;
use crate::exit::{unreachable, usage};
use crate::home::RetryTimeout;
use crate::output::cut;

/// The longest reason of a failure that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// The most of one batch that is held in memory while it is sent; the providers would take twice as
/// much.
pub(super) const MOST_BYTES: usize = 100_000_000;

/// By which a part is known at the provider.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// What the ids of its requests begin with.
    pub(super) prefix: String,
    /// How many requests it has.
    pub(super) count: u64,
    /// When it was about to be created, by this machine's clock.
    pub(super) at: Timestamp,
    /// The batches that are known to be others.
    pub(super) others: Vec<String>,
}

/// What became of a part of which only the intent is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The provider has it under this id.
    Here(String),
    /// The provider does not have it.
    Nowhere,
    /// One of these may be it, which shows once they have ended.
    Perhaps(Vec<String>),
}

/// How far a batch is.
#[derive(Debug)]
pub(super) struct Look {
    /// How many requests are done.
    pub(super) done: u64,
    /// How it ended, if it has.
    pub(super) end: Option<Ended>,
    /// What the provider says of it, where this program does not know the word.
    pub(super) strange: Option<String>,
}

/// How a batch ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// When, as the provider says.
    pub(super) at: Option<Timestamp>,
    /// How.
    pub(super) how: How,
    /// Where its results are.
    pub(super) results: Vec<String>,
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// Every request has its result.
    Whole,
    /// Its time was over; what has no result was not run.
    Expired,
    /// It was cancelled; what has no result was not run.
    Cancelled,
    /// It was refused as a whole, and nothing was run.
    Failed(String),
}

/// What became of one request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// A reply.
    Reply(BatchReply),
    /// It was cancelled.
    Cancelled,
    /// It failed.
    Failed {
        /// In which way.
        code: ErrorCode,
        /// Why.
        reason: String,
    },
}

/// A provider's batches.
#[async_trait]
pub(super) trait Service: Send + Sync {
    /// Returns whose they are.
    fn provider(&self) -> ProviderName;
    /// Returns how many requests one batch may have.
    fn most_requests(&self) -> usize;
    /// Returns a request as a line of a batch.
    fn line(&self, custom_id: &str, body: &Value) -> Value;
    /// Creates a batch of such lines, and returns its id; never tried twice.
    ///
    /// After [`ModelError::Busy`] and [`ModelError::Broken`] nobody knows whether it was created.
    async fn create(&self, mark: &Mark, lines: Vec<u8>) -> Result<String, ModelError>;
    /// Looks for a batch that may have been created.
    async fn find(&self, mark: &Mark) -> Result<Found, ModelError>;
    /// Asks how far a batch is.
    async fn look(&self, id: &str) -> Result<Look, ModelError>;
    /// Begins to read results, each line an object with a `custom_id`.
    async fn results(&self, place: &str) -> Result<ResultLines, ModelError>;
    /// Reads a result.
    fn came(&self, result: Value) -> Came;
    /// Cancels a batch; what is done of it can be collected once it has ended.
    async fn cancel(&self, id: &str) -> Result<(), ModelError>;
}

impl Came {
    /// A failure by the provider's own name for it.
    pub(super) fn failed(http: &Http, name: Option<&str>, message: Option<&str>) -> Self {
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

    /// A failure because the day was over.
    pub(super) fn expired() -> Self {
        let reason =
            "the provider had no time for it within 24 hours; nothing was run or billed".to_owned();
        Self::Failed { code: ErrorCode::ProvidersUnavailable, reason }
    }

    /// A result that this program does not know.
    pub(super) fn unknown(what: &str) -> Self {
        let reason = format!(
            "the provider's result is of a kind that this program does not know: {}",
            cut(what, 40)
        );
        Self::Failed { code: ErrorCode::ProvidersUnavailable, reason }
    }
}

/// Returns the variable of a provider's key.
pub(super) fn key_variable(provider: ProviderName) -> Option<&'static str> {
    match provider {
        ProviderName::Claude => Some("ANTHROPIC_API_KEY"),
        ProviderName::OpenAi => Some("OPENAI_API_KEY"),
        ProviderName::Bedrock | ProviderName::Offline => None,
    }
}

/// Makes ready to call a provider.
pub(super) fn open(
    config: &Config,
    provider: ProviderName,
    retry_timeout: RetryTimeout,
) -> anyhow::Result<Box<dyn Service>> {
    let wrong = |error: &dyn std::fmt::Display| usage(error.to_string());
    let variable = key_variable(provider).ok_or_else(|| {
        usage(format!("{provider} has no batches here: --provider is claude or openai"))
    })?;
    let key = config.provider_key(variable).ok_or_else(|| {
        usage(format!(
            "--provider-batch asks {provider} itself: set {variable}, with which it is paid"
        ))
    })?;
    let settings = ClientSettings::from_env(&config.environment).map_err(|error| wrong(&error))?;
    let client = http_client::build(settings)?;
    let http = |key: SecretString| Http::new(client, key, retry_timeout);
    if provider == ProviderName::OpenAi {
        let settings =
            OpenAiSettings::from_env(&config.environment).map_err(|error| wrong(&error))?;
        return Ok(Box::new(OpenAi::new(&settings, http(key))?));
    }
    let settings = ClaudeSettings::from_env(&config.environment).map_err(|error| wrong(&error))?;
    Ok(Box::new(Anthropic::new(&settings, http(key))?))
}

/// Says for people why a provider did not do what it was asked; the exit code tells scripts.
pub(super) fn trouble(provider: ProviderName, error: &ModelError) -> anyhow::Error {
    match error {
        ModelError::Unauthorized(code) => {
            let variable = key_variable(provider).unwrap_or_default();
            unreachable(format!("{provider} refuses the key in {variable} ({code})"))
        }
        ModelError::Busy { code, .. } => {
            unreachable(format!("{provider} is busy, or a rate limit is reached ({code})"))
        }
        ModelError::Broken(why) => unreachable(format!("{provider} cannot be reached: {why}")),
        ModelError::Permanent(code) => {
            anyhow::anyhow!("{provider} refuses what it was asked ({code})")
        }
    }
}

/// Reads an id that a provider made, which becomes a part of addresses.
pub(super) fn id(value: &Value) -> Result<String, ModelError> {
    let id = value.as_str().unwrap_or_default();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if id.is_empty() || id.len() > 128 || !id.bytes().all(legal) {
        return Err(ModelError::Broken("the answer has no id that can be read".to_owned()));
    }
    Ok(id.to_owned())
}
