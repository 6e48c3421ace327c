//! The worker's settings.

use std::sync::Arc;
use std::time::Duration;

use providers::Prices;
use providers::config::PROMPT_CACHING;
use shared::domain::{MicroUsd, ProviderName};
use shared::environment::{ConfigError, Environment, invalid};
use shared::ports::Model;
use shared::protocol::accept::AcceptLimits;
use shared::reply_cache::CacheLimits;

/// Micro-USD in a dollar.
const MICRO: i64 = 1_000_000;
/// The variables of the budgets.
const DAILY_BUDGET: &str = "CHATBOT_DAILY_BUDGET_USD";
const PRINCIPAL_DAILY_BUDGET: &str = "CHATBOT_PRINCIPAL_DAILY_BUDGET_USD";

/// The visibility timeout of the request queue on AWS, which requires six times the function's
/// timeout.
const QUEUE_VISIBILITY: Duration = Duration::from_mins(15);

/// The most memory that a reply cache in memory takes.
const MAX_CACHE_MEMORY_BYTES: usize = 64 * 1024 * 1024;
/// The reply cache backends that only one platform offers.
const PLATFORM_BACKENDS: [(&str, &str); 2] = [("redis", "AWS"), ("sqlite", "one machine")];

/// The settings of the worker, read once at startup.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerConfig {
    /// The providers in the order in which they are tried (`CHATBOT_PROVIDER_PREFERENCE`).
    pub preference: Vec<ProviderName>,
    /// Whether documents are part of the prompt (`CHATBOT_ENABLE_CONTEXT`).
    pub enable_context: bool,
    /// The largest reply in the provider's tokens (`CHATBOT_MAX_TOKENS`).
    pub max_tokens: u32,
    /// The share of the prompt for history, in estimated tokens (`CHATBOT_HISTORY_TOKENS`).
    pub history_tokens: usize,
    /// The share of the prompt for the document, in estimated tokens (`CHATBOT_DOCUMENT_TOKENS`).
    pub document_tokens: usize,
    /// How many generations a turn may have (`CHATBOT_MAX_GENERATIONS`).
    pub max_generations: u64,
    /// How many calls one generation may make (`CHATBOT_MAX_CALLS`).
    pub max_calls: u32,
    /// How long to wait for providers, documents and the whole turn.
    pub timeouts: WorkerTimeouts,
    /// How long the queue hides a received message by default. The worker shortens it to the time
    /// that the turn may take.
    pub queue_visibility: Duration,
    /// How often provisional text is pushed.
    pub pace: Pace,
    /// Whether providers are asked to cache prompt prefixes (`CHATBOT_PROMPT_CACHING`).
    pub prompt_caching: bool,
    /// What may be spent per day (`CHATBOT_DAILY_BUDGET_USD`,
    /// `CHATBOT_PRINCIPAL_DAILY_BUDGET_USD`).
    pub budgets: Budgets,
    /// The product's name in the prompt (`CHATBOT_PRODUCT_NAME`).
    pub product_name: String,
    /// The tone asked for in the prompt (`CHATBOT_TONE`).
    pub tone: String,
    /// The limits that apply to a `submit` from the queue.
    pub accept_limits: AcceptLimits,
}

/// How long the worker waits before it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerTimeouts {
    /// From a call to the first event of its stream (`CHATBOT_FIRST_BYTE_TIMEOUT_MS`).
    pub first_byte: Duration,
    /// Between two events of a stream (`CHATBOT_IDLE_TIMEOUT_MS`).
    pub idle: Duration,
    /// For the document, retries included (`CHATBOT_DOCUMENT_TIMEOUT_MS`).
    pub document: Duration,
    /// For the whole delivery; must be less than the function's own timeout
    /// (`CHATBOT_WORKER_DEADLINE_SECONDS`).
    pub deadline: Duration,
}

/// How often provisional text is pushed. The first piece is pushed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The interval in the first second (`CHATBOT_PUSH_FIRST_MS`).
    pub first: Duration,
    /// The interval after that (`CHATBOT_PUSH_LATER_MS`).
    pub later: Duration,
    /// What happens to text that has not been pushed when the reply is complete.
    pub last_piece: LastPiece,
}

/// What happens to the last piece of provisional text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastPiece {
    /// It is pushed while the reply is being committed, followed by the end of the text.
    Push,
    /// Only the final carries it, one queue hop later. This saves two frames where each is billed.
    LeaveToFinal,
}

impl Pace {
    /// For one machine, where frames are free: a piece every 30 ms.
    pub const ONE_MACHINE: Self = Self {
        first: Duration::from_millis(30),
        later: Duration::from_millis(30),
        last_piece: LastPiece::Push,
    };
    /// For AWS, where every frame is billed.
    pub const AWS: Self = Self {
        first: Duration::from_millis(200),
        later: Duration::from_millis(500),
        last_piece: LastPiece::LeaveToFinal,
    };
}

/// What may be spent per day; `None` means no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budgets {
    /// By all callers together.
    pub stack: Option<MicroUsd>,
    /// By one principal.
    pub principal: Option<MicroUsd>,
}

impl Budgets {
    /// Requires that every model has a price if there is a budget: without one nobody could say
    /// when it is used up.
    pub fn require_prices(
        self,
        models: &[Arc<dyn Model>],
        prices: &Prices,
    ) -> Result<(), ConfigError> {
        let stack = self.stack.map(|limit| (DAILY_BUDGET, limit));
        let principal = self.principal.map(|limit| (PRINCIPAL_DAILY_BUDGET, limit));
        let unknown = models.iter().find(|model| !prices.knows(model.provider(), model.model()));
        let Some(((variable, limit), model)) = stack.or(principal).zip(unknown) else {
            return Ok(());
        };
        let problem = format!(
            "the model {:?} has no price, so that no budget can be kept: add its price by \
            CHATBOT_PRICES, or remove the budget",
            model.model()
        );
        let dollars = format!("{}.{:06}", limit.0 / MICRO, limit.0 % MICRO);
        Err(invalid(variable, dollars.trim_end_matches('0').trim_end_matches('.'), problem))
    }
}

impl WorkerConfig {
    /// Reads the settings. `pace` is the platform's default.
    pub fn from_env(environment: &Environment, pace: Pace) -> Result<Self, ConfigError> {
        Ok(Self {
            preference: preference(environment)?,
            enable_context: environment.bool_or("CHATBOT_ENABLE_CONTEXT", true)?,
            max_tokens: number(environment, "CHATBOT_MAX_TOKENS", 1024, 1..=64_000)?,
            history_tokens: number(environment, "CHATBOT_HISTORY_TOKENS", 4_000, 0..=200_000)?,
            document_tokens: number(environment, "CHATBOT_DOCUMENT_TOKENS", 8_000, 100..=200_000)?,
            max_generations: environment.number_or("CHATBOT_MAX_GENERATIONS", 4, 1..=20)?,
            max_calls: number(environment, "CHATBOT_MAX_CALLS", 3, 1..=20)?,
            timeouts: timeouts(environment)?,
            queue_visibility: QUEUE_VISIBILITY,
            pace: Pace {
                first: environment.millis_or("CHATBOT_PUSH_FIRST_MS", millis(pace.first))?,
                later: environment.millis_or("CHATBOT_PUSH_LATER_MS", millis(pace.later))?,
                last_piece: pace.last_piece,
            },
            prompt_caching: environment.bool_or(PROMPT_CACHING, true)?,
            budgets: Budgets {
                stack: dollars(environment, DAILY_BUDGET)?,
                principal: dollars(environment, PRINCIPAL_DAILY_BUDGET)?,
            },
            product_name: environment.text_or("CHATBOT_PRODUCT_NAME", "Learning Yogi"),
            tone: environment.text_or("CHATBOT_TONE", "friendly, clear and brief"),
            accept_limits: AcceptLimits::from_env(environment)?,
        })
    }
}

/// The settings of a provider's circuit breaker ([`crate::calls::breaker::Breaker`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// How many failures in a row open the breaker (`CHATBOT_BREAKER_FAILURES`).
    pub failures: usize,
    /// The window in which they must occur (`CHATBOT_BREAKER_WINDOW_SECONDS`).
    pub window: Duration,
    /// How long the breaker stays open before it allows a trial call
    /// (`CHATBOT_BREAKER_OPEN_SECONDS`).
    pub open: Duration,
    /// The longest pause that a provider is granted (`CHATBOT_MAX_RETRY_AFTER_SECONDS`).
    pub longest_pause: Duration,
}

impl BreakerSettings {
    /// Reads the settings.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        let seconds = |variable, default| {
            environment.number_or(variable, default, 1..=3_600).map(Duration::from_secs)
        };
        let failures = environment.number_or("CHATBOT_BREAKER_FAILURES", 5, 1..=1_000)?;
        Ok(Self {
            failures: usize::try_from(failures).unwrap_or(usize::MAX),
            window: seconds("CHATBOT_BREAKER_WINDOW_SECONDS", 30)?,
            open: seconds("CHATBOT_BREAKER_OPEN_SECONDS", 15)?,
            longest_pause: environment
                .number_or("CHATBOT_MAX_RETRY_AFTER_SECONDS", 60, 1..=86_400)
                .map(Duration::from_secs)?,
        })
    }
}

/// Where replies are cached (`CHATBOT_REPLY_CACHE`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReplyCacheBackend {
    /// Nowhere.
    #[default]
    Off,
    /// In this process.
    Memory,
    /// In the database of the one-machine server.
    Sqlite,
    /// In a Redis or Valkey server that all functions share.
    Redis,
}

/// The settings of the reply cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyCacheSettings {
    /// Where replies are cached.
    pub backend: ReplyCacheBackend,
    /// How long a reply stays in the cache (`CHATBOT_REPLY_CACHE_SECONDS`).
    pub ttl: Duration,
    /// The largest number of cached replies (`CHATBOT_REPLY_CACHE_ENTRIES`).
    pub max_entries: usize,
}

impl ReplyCacheSettings {
    /// Reads the settings. `backends` are those that this platform offers, besides `off`.
    pub fn from_env(
        environment: &Environment,
        backends: &[(&str, ReplyCacheBackend)],
    ) -> Result<Self, ConfigError> {
        const VARIABLE: &str = "CHATBOT_REPLY_CACHE";
        let backend = match environment.text(VARIABLE) {
            None | Some("off") => ReplyCacheBackend::Off,
            Some(name) => {
                let known = backends.iter().find(|(known, _)| *known == name);
                let backend = known.map(|(_, backend)| *backend);
                backend.ok_or_else(|| invalid(VARIABLE, name, expected(name, backends)))?
            }
        };
        let seconds = environment.number_or("CHATBOT_REPLY_CACHE_SECONDS", 3_600, 1..=604_800)?;
        let entries = environment.number_or("CHATBOT_REPLY_CACHE_ENTRIES", 1_000, 1..=1_000_000)?;
        Ok(Self {
            backend,
            ttl: Duration::from_secs(seconds),
            max_entries: usize::try_from(entries).unwrap_or(1_000),
        })
    }

    /// Returns the limits of a cache in memory.
    pub fn memory_bounds(&self) -> CacheLimits {
        CacheLimits { entries: self.max_entries, bytes: MAX_CACHE_MEMORY_BYTES }
    }
}

/// Lists the available backends, and says where an unavailable one is available.
fn expected(name: &str, backends: &[(&str, ReplyCacheBackend)]) -> String {
    let names: Vec<_> = backends.iter().map(|(name, _)| *name).collect();
    let elsewhere = PLATFORM_BACKENDS.iter().find(|(backend, _)| *backend == name);
    let elsewhere = elsewhere
        .map(|(backend, platform)| format!("; {backend} is for {platform} only"))
        .unwrap_or_default();
    format!("must be off or {}{elsewhere}", names.join(" or "))
}

fn timeouts(environment: &Environment) -> Result<WorkerTimeouts, ConfigError> {
    let deadline = environment.number_or("CHATBOT_WORKER_DEADLINE_SECONDS", 140, 5..=880)?;
    Ok(WorkerTimeouts {
        first_byte: environment.millis_or("CHATBOT_FIRST_BYTE_TIMEOUT_MS", 20_000)?,
        idle: environment.millis_or("CHATBOT_IDLE_TIMEOUT_MS", 15_000)?,
        document: environment.millis_or("CHATBOT_DOCUMENT_TIMEOUT_MS", 5_000)?,
        deadline: Duration::from_secs(deadline),
    })
}

fn preference(environment: &Environment) -> Result<Vec<ProviderName>, ConfigError> {
    const VARIABLE: &str = "CHATBOT_PROVIDER_PREFERENCE";
    let Some(names) = environment.list(VARIABLE) else { return Ok(DEFAULT_ORDER.to_vec()) };
    order(names.iter().map(String::as_str)).map_err(|name| invalid(VARIABLE, name, LISTABLE))
}

/// The order of providers if none is configured.
const DEFAULT_ORDER: [ProviderName; 3] =
    [ProviderName::Claude, ProviderName::OpenAi, ProviderName::Bedrock];

/// The rule for an order of providers, as error messages state it.
pub(crate) const LISTABLE: &str = "only claude, openai and bedrock can be listed";

/// Parses an order of providers. The error is the name that cannot be listed.
pub(crate) fn order<'n>(
    names: impl Iterator<Item = &'n str>,
) -> Result<Vec<ProviderName>, &'n str> {
    let parse = |name: &'n str| match ProviderName::parse(name) {
        Some(provider) if provider != ProviderName::Offline => Ok(provider),
        _ => Err(name),
    };
    names.map(parse).collect()
}

fn dollars(environment: &Environment, variable: &str) -> Result<Option<MicroUsd>, ConfigError> {
    let Some(amount) = environment.parsed::<f64>(variable)? else { return Ok(None) };
    if !(0.0..=1_000_000.0).contains(&amount) {
        return Err(invalid(variable, &amount.to_string(), "must be dollars from 0 to 1000000"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 10^12, as checked above")]
    Ok(Some(MicroUsd((amount * 1e6).round() as i64)))
}

fn number<T: TryFrom<u64>>(
    environment: &Environment,
    variable: &str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<T, ConfigError> {
    let number = environment.number_or(variable, default, range)?;
    T::try_from(number).map_err(|_| invalid(variable, &number.to_string(), "is too large"))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variable: &str, value: &str, expected: &str) {
        let error = WorkerConfig::from_env(
            &Environment::default().with(variable, value),
            Pace::ONE_MACHINE,
        )
        .unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn an_invalid_value_is_an_error_that_names_its_variable() {
        check(
            "CHATBOT_PROVIDER_PREFERENCE",
            "claude,gemini",
            "CHATBOT_PROVIDER_PREFERENCE is \"gemini\", but only claude, openai and bedrock can \
            be listed",
        );
        check(
            "CHATBOT_MAX_TOKENS",
            "0",
            "CHATBOT_MAX_TOKENS is \"0\", but must be a whole number from 1 to 64000",
        );
        check(
            "CHATBOT_DAILY_BUDGET_USD",
            "-1",
            "CHATBOT_DAILY_BUDGET_USD is \"-1\", but must be dollars from 0 to 1000000",
        );
    }

    #[test]
    fn budgets_are_stored_in_millionths_of_a_dollar() {
        let environment = Environment::default().with("CHATBOT_PRINCIPAL_DAILY_BUDGET_USD", "0.5");
        let config = WorkerConfig::from_env(&environment, Pace::ONE_MACHINE).unwrap();
        assert_eq!(config.budgets, Budgets { stack: None, principal: Some(MicroUsd(500_000)) });
    }

    #[test]
    fn an_unavailable_reply_cache_backend_is_refused_by_name() {
        let read = |value: &str| {
            let backends =
                [("memory", ReplyCacheBackend::Memory), ("sqlite", ReplyCacheBackend::Sqlite)];
            let environment = Environment::default().with("CHATBOT_REPLY_CACHE", value);
            ReplyCacheSettings::from_env(&environment, &backends)
        };
        assert_eq!(read("off").unwrap().backend, ReplyCacheBackend::Off);
        assert_eq!(read("sqlite").unwrap().backend, ReplyCacheBackend::Sqlite);
        assert_eq!(
            read("redis").unwrap_err().to_string(),
            "CHATBOT_REPLY_CACHE is \"redis\", but must be off or memory or sqlite; redis is for \
            AWS only"
        );
        assert_eq!(
            read("disk").unwrap_err().to_string(),
            "CHATBOT_REPLY_CACHE is \"disk\", but must be off or memory or sqlite"
        );
    }
}
