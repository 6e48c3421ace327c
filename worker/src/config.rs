//! The worker's settings.

use std::time::Duration;

use shared::domain::{MicroUsd, ProviderName};
use shared::environment::{ConfigError, Environment, invalid};
use shared::protocol::accept::AcceptLimits;

use providers::config::PROMPT_CACHING;

/// The visibility timeout of the queue of requests on AWS, which wants six times the function's
/// timeout.
const QUEUE_VISIBILITY: Duration = Duration::from_mins(15);

/// The settings of the worker, read once at start.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerConfig {
    /// The providers in the order in which they are asked (`CHATBOT_PROVIDER_PREFERENCE`).
    pub preference: Vec<ProviderName>,
    /// Whether documents are part of the prompt (`CHATBOT_ENABLE_CONTEXT`).
    pub enable_context: bool,
    /// The largest reply in the provider's tokens (`CHATBOT_MAX_TOKENS`).
    pub max_tokens: u32,
    /// The share of the prompt for history, in estimated tokens (`CHATBOT_HISTORY_TOKENS`).
    pub history_tokens: usize,
    /// The share of the prompt for the document, in estimated tokens (`CHATBOT_DOCUMENT_TOKENS`).
    pub document_tokens: usize,
    /// How often a turn may be begun (`CHATBOT_MAX_GENERATIONS`).
    pub max_generations: u64,
    /// How many calls one generation may make (`CHATBOT_MAX_CALLS`).
    pub max_calls: u32,
    /// Where to stop waiting (`CHATBOT_FIRST_BYTE_TIMEOUT_MS`, `CHATBOT_IDLE_TIMEOUT_MS`, …).
    pub timeouts: Timeouts,
    /// How long the queue hides a message that was received; a longer time than needed is
    /// shortened.
    pub queue_visibility: Duration,
    /// How often provisional text is pushed.
    pub pace: Pace,
    /// Whether providers are asked to keep the beginnings of prompts (`CHATBOT_PROMPT_CACHING`).
    pub prompt_caching: bool,
    /// What may be spent a day (`CHATBOT_DAILY_BUDGET_USD`, `CHATBOT_PRINCIPAL_DAILY_BUDGET_USD`).
    pub budgets: Budgets,
    /// The product's name in the prompt (`CHATBOT_PRODUCT_NAME`).
    pub product_name: String,
    /// The tone asked for in the prompt (`CHATBOT_TONE`).
    pub tone: String,
    /// The bounds that a `submit` is accepted within.
    pub accept_limits: AcceptLimits,
}

/// Where to stop waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From a call to its first sign of life.
    pub first_byte: Duration,
    /// Between two signs of life.
    pub idle: Duration,
    /// For the document, retries included (`CHATBOT_DOCUMENT_TIMEOUT_MS`).
    pub document: Duration,
    /// For the whole delivery; below the function's own timeout
    /// (`CHATBOT_WORKER_DEADLINE_SECONDS`).
    pub deadline: Duration,
}

/// How often provisional text is pushed, after the first piece, which goes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// In the first second (`CHATBOT_PUSH_FIRST_MS`).
    pub first: Duration,
    /// From then on (`CHATBOT_PUSH_LATER_MS`).
    pub later: Duration,
    /// What becomes of the text that the pace holds back when the reply is complete.
    pub tail: Tail,
}

/// What becomes of the last piece of provisional text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// It goes out while the reply is committed, and the end of the text with it.
    Pushed,
    /// The final carries it, a hop of the queue later: two frames fewer where each is billed.
    LeftToFinal,
}

impl Pace {
    /// Frames cost nothing: a piece every 30 ms.
    pub const ONE_MACHINE: Self = Self {
        first: Duration::from_millis(30),
        later: Duration::from_millis(30),
        tail: Tail::Pushed,
    };
    /// Every frame is billed.
    pub const AWS: Self = Self {
        first: Duration::from_millis(200),
        later: Duration::from_millis(500),
        tail: Tail::LeftToFinal,
    };
}

/// What may be spent a day; `None` is without bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budgets {
    /// By everybody together.
    pub stack: Option<MicroUsd>,
    /// By one principal.
    pub principal: Option<MicroUsd>,
}

impl WorkerConfig {
    /// Reads the settings; `pace` is what the platform makes affordable.
    pub fn from(environment: &Environment, pace: Pace) -> Result<Self, ConfigError> {
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
                tail: pace.tail,
            },
            prompt_caching: environment.bool_or(PROMPT_CACHING, true)?,
            budgets: Budgets {
                stack: dollars(environment, "CHATBOT_DAILY_BUDGET_USD")?,
                principal: dollars(environment, "CHATBOT_PRINCIPAL_DAILY_BUDGET_USD")?,
            },
            product_name: environment.text_or("CHATBOT_PRODUCT_NAME", "Learning Yogi"),
            tone: environment.text_or("CHATBOT_TONE", "friendly, clear and brief"),
            accept_limits: AcceptLimits::from_env(environment)?,
        })
    }
}

fn timeouts(environment: &Environment) -> Result<Timeouts, ConfigError> {
    let deadline = environment.number_or("CHATBOT_WORKER_DEADLINE_SECONDS", 140, 5..=880)?;
    Ok(Timeouts {
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

/// Who is asked where nobody said in which order.
const DEFAULT_ORDER: [ProviderName; 3] =
    [ProviderName::Claude, ProviderName::OpenAi, ProviderName::Bedrock];

/// What may be in an order of providers.
pub(crate) const LISTABLE: &str = "only claude, openai and bedrock can be listed";

/// Reads an order of providers; an error is the name that cannot be in one.
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
        let error =
            WorkerConfig::from(&Environment::default().with(variable, value), Pace::ONE_MACHINE)
                .unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_bad_value_stops_the_start_and_names_the_variable() {
        check(
            "CHATBOT_PROVIDER_PREFERENCE",
            "claude,gemini",
            "CHATBOT_PROVIDER_PREFERENCE is \"gemini\", but only claude, openai and bedrock can \
            be listed",
        );
        check(
            "CHATBOT_MAX_TOKENS",
            "0",
            "CHATBOT_MAX_TOKENS is \"0\", but must be from 1 to 64000",
        );
        check(
            "CHATBOT_DAILY_BUDGET_USD",
            "-1",
            "CHATBOT_DAILY_BUDGET_USD is \"-1\", but must be dollars from 0 to 1000000",
        );
    }

    #[test]
    fn budgets_are_kept_in_millionths_of_a_dollar() {
        let environment = Environment::default().with("CHATBOT_PRINCIPAL_DAILY_BUDGET_USD", "0.5");
        let config = WorkerConfig::from(&environment, Pace::ONE_MACHINE).unwrap();
        assert_eq!(config.budgets, Budgets { stack: None, principal: Some(MicroUsd(500_000)) });
    }
}
