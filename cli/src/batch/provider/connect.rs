//! Creates the service of the provider that a batch goes to.

use providers::{ClaudeSettings, OpenAiSettings};
use secrecy::SecretString;
use shared::domain::ProviderName;
use shared::http_client::{self, ClientSettings};

use super::anthropic::Anthropic;
use super::http::ProviderHttp;
use super::openai::OpenAi;
use super::service::{BatchService, key_variable};
use crate::backend::RetryTimeout;
use crate::config::Config;
use crate::exit::usage;

/// Creates the service of a provider, with the key from the environment.
pub(super) fn connect(
    config: &Config,
    provider: ProviderName,
    retry_timeout: RetryTimeout,
) -> anyhow::Result<Box<dyn BatchService>> {
    let wrong = |error: &dyn std::fmt::Display| usage(error.to_string());
    let variable = key_variable(provider).ok_or_else(|| {
        usage(format!("{provider} has no batch API: --provider is claude or openai"))
    })?;
    let key = config.provider_key(variable).ok_or_else(|| {
        usage(format!("--provider-batch calls {provider} with your own key: set {variable}"))
    })?;
    let settings = ClientSettings::from_env(&config.environment).map_err(|error| wrong(&error))?;
    let client = http_client::build(settings)?;
    let http = |key: SecretString| ProviderHttp::new(client, key, retry_timeout);
    if provider == ProviderName::OpenAi {
        let settings =
            OpenAiSettings::from_env(&config.environment).map_err(|error| wrong(&error))?;
        return Ok(Box::new(OpenAi::new(&settings, http(key))?));
    }
    let settings = ClaudeSettings::from_env(&config.environment).map_err(|error| wrong(&error))?;
    Ok(Box::new(Anthropic::new(&settings, http(key))?))
}
