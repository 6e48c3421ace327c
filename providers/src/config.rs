//! The settings of the models: addresses, model ids, API versions.

use reqwest::Url;
use shared::environment::{ConfigError, Environment, invalid};

use crate::Effort;

const CLAUDE_BASE: &str = "https://api.anthropic.com";
/// The variable that turns prompt caching by the providers on or off.
pub const PROMPT_CACHING: &str = "CHATBOT_PROMPT_CACHING";
const OPENAI_BASE: &str = "https://api.openai.com/v1";

/// The settings of [`super::ClaudeModel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaudeSettings {
    /// The base URL, to which `/v1/messages` is appended (`ANTHROPIC_BASE_URL`).
    pub base_url: String,
    /// The model's id (`CHATBOT_CLAUDE_MODEL`).
    pub model: String,
    /// The value of the header `anthropic-version` (`CHATBOT_ANTHROPIC_VERSION`).
    pub version: String,
    /// How much the model thinks (`CHATBOT_EFFORT`).
    pub effort: Effort,
}

impl ClaudeSettings {
    /// Reads the settings.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            base_url: base_url(environment, "ANTHROPIC_BASE_URL", CLAUDE_BASE)?,
            model: environment.text_or("CHATBOT_CLAUDE_MODEL", "claude-haiku-5-5"),
            version: header_text(environment, "CHATBOT_ANTHROPIC_VERSION", "2026-10-21")?,
            effort: Effort::from_env(environment)?,
        })
    }
}

/// The settings of [`super::BedrockModel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BedrockSettings {
    /// The base URL, to which `/model/…` is appended (`CHATBOT_BEDROCK_BASE_URL`, or Bedrock in
    /// `AWS_REGION`).
    pub base_url: String,
    /// The model's id, or the ARN of a profile (`CHATBOT_BEDROCK_MODEL`).
    pub model: String,
    /// How much the model thinks (`CHATBOT_EFFORT`).
    pub effort: Effort,
}

impl BedrockSettings {
    /// Reads the settings; `None` if no model is configured. There is no default, because model ids
    /// differ by region.
    pub fn from_env(environment: &Environment) -> Result<Option<Self>, ConfigError> {
        const MODEL: &str = "CHATBOT_BEDROCK_MODEL";
        let region = environment
            .text("AWS_REGION")
            .or(environment.text("AWS_DEFAULT_REGION"))
            .unwrap_or("us-east-1");
        let default = format!("https://bedrock-runtime.{region}.amazonaws.com");
        let base_url = base_url(environment, "CHATBOT_BEDROCK_BASE_URL", &default)?;
        let Some(model) = environment.text(MODEL) else { return Ok(None) };
        if !model.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid(MODEL, model, "must be printable ASCII characters without spaces"));
        }
        let effort = Effort::from_env(environment)?;
        Ok(Some(Self { base_url, model: model.to_owned(), effort }))
    }
}

/// The settings of [`super::OpenAiModel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAiSettings {
    /// The base URL, to which `/chat/completions` is appended (`OPENAI_BASE_URL`).
    pub base_url: String,
    /// The model's id (`CHATBOT_OPENAI_MODEL`).
    pub model: String,
    /// Whether it may be called without a key: set for a custom base URL, whose server often needs
    /// none.
    pub keyless: bool,
    /// The name of the field for the largest reply (`CHATBOT_OPENAI_MAX_TOKENS_FIELD`).
    pub max_tokens_field: MaxTokensField,
    /// Whether `prompt_cache_key` is sent: by default to `OpenAI`, and to other servers only if
    /// `CHATBOT_PROMPT_CACHING` says so. Some servers reject fields that they do not know.
    pub cache_key: bool,
    /// How much the model thinks (`CHATBOT_EFFORT`).
    pub effort: Effort,
    /// Whether `reasoning_effort` is sent: to `OpenAI`, and to other servers only if
    /// `CHATBOT_EFFORT` is set.
    pub sends_effort: bool,
}

impl OpenAiSettings {
    /// Reads the settings.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            base_url: base_url(environment, "OPENAI_BASE_URL", OPENAI_BASE)?,
            model: environment.text_or("CHATBOT_OPENAI_MODEL", "gpt-6-luna"),
            keyless: environment.text("OPENAI_BASE_URL").is_some(),
            max_tokens_field: MaxTokensField::from_env(environment)?,
            cache_key: environment
                .bool_or(PROMPT_CACHING, environment.text("OPENAI_BASE_URL").is_none())?,
            effort: Effort::from_env(environment)?,
            sends_effort: environment.text("OPENAI_BASE_URL").is_none()
                || environment.text("CHATBOT_EFFORT").is_some(),
        })
    }
}

/// The request's field for the largest reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MaxTokensField {
    /// `max_completion_tokens`, which `OpenAI`'s models since 2024 require.
    #[default]
    MaxCompletionTokens,
    /// `max_tokens`, the only one that many compatible servers know.
    MaxTokens,
}

impl MaxTokensField {
    fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        const VARIABLE: &str = "CHATBOT_OPENAI_MAX_TOKENS_FIELD";
        match environment.text(VARIABLE) {
            None | Some("max_completion_tokens") => Ok(Self::MaxCompletionTokens),
            Some("max_tokens") => Ok(Self::MaxTokens),
            Some(other) => {
                Err(invalid(VARIABLE, other, "must be max_completion_tokens or max_tokens"))
            }
        }
    }
}

fn base_url(
    environment: &Environment,
    variable: &str,
    default: &str,
) -> Result<String, ConfigError> {
    let text = environment.text_or(variable, default);
    match Url::parse(&text) {
        Ok(url) if is_base(&url) => Ok(text.trim_end_matches('/').to_owned()),
        // A password in the URL must not be logged.
        Ok(url) if url.has_authority() && !url.username().is_empty() => {
            Err(invalid(variable, "…", "must not hold a user name or password"))
        }
        Ok(_) => Err(invalid(variable, &text, "must be an http or https address without query")),
        Err(error) => Err(invalid(variable, &text, error)),
    }
}

fn is_base(url: &Url) -> bool {
    let plain = url.query().is_none() && url.fragment().is_none();
    matches!(url.scheme(), "http" | "https")
        && plain
        && url.username().is_empty()
        && url.password().is_none()
}

fn header_text(
    environment: &Environment,
    variable: &str,
    default: &str,
) -> Result<String, ConfigError> {
    let text = environment.text_or(variable, default);
    match http::HeaderValue::from_str(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(invalid(variable, &text, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variable: &str, value: &str, expected: &str) {
        let environment = Environment::default().with(variable, value);
        let error = ClaudeSettings::from_env(&environment)
            .map(|_| ())
            .and(OpenAiSettings::from_env(&environment).map(|_| ()));
        assert_eq!(error.unwrap_err().to_string(), expected);
    }

    #[test]
    fn without_variables_the_providers_own_addresses_are_used() {
        let claude = ClaudeSettings::from_env(&Environment::default()).unwrap();
        assert_eq!(
            (claude.base_url.as_str(), claude.version.as_str()),
            ("https://api.anthropic.com", "2026-10-21")
        );
        let openai = OpenAiSettings::from_env(&Environment::default()).unwrap();
        assert_eq!(openai.base_url, "https://api.openai.com/v1");
        assert_eq!(openai.max_tokens_field, MaxTokensField::MaxCompletionTokens);
    }

    #[test]
    fn a_base_address_may_end_with_a_slash() {
        let environment =
            Environment::default().with("OPENAI_BASE_URL", "http://localhost:11434/v1/");
        assert_eq!(
            OpenAiSettings::from_env(&environment).unwrap().base_url,
            "http://localhost:11434/v1"
        );
    }

    #[test]
    fn an_invalid_setting_names_its_variable() {
        check(
            "OPENAI_BASE_URL",
            "localhost:11434",
            "OPENAI_BASE_URL is \"localhost:11434\", but must be an http or https address without \
            query",
        );
        check(
            "ANTHROPIC_BASE_URL",
            "/v1",
            "ANTHROPIC_BASE_URL is \"/v1\", but relative URL without a base",
        );
        check(
            "CHATBOT_OPENAI_MAX_TOKENS_FIELD",
            "tokens",
            "CHATBOT_OPENAI_MAX_TOKENS_FIELD is \"tokens\", but must be max_completion_tokens or \
            max_tokens",
        );
        check(
            "CHATBOT_ANTHROPIC_VERSION",
            "a\nb",
            "CHATBOT_ANTHROPIC_VERSION is \"a\\nb\", but failed to parse header value",
        );
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_quoted() {
        check(
            "OPENAI_BASE_URL",
            "https://me:hunter2@example.org/v1",
            "OPENAI_BASE_URL is \"…\", but must not hold a user name or password",
        );
    }
}
