//! API keys and signing keys in Secrets Manager.

mod parse;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use secrecy::SecretString;
use shared::domain::ProviderName;
use shared::ports::{Secrets, SecretsError, SigningKeys};
use tokio::sync::Mutex;
use tokio::time::Instant;

use self::parse::SecretEntry;
use crate::call_error::CallError;
use crate::sdk::{Sdk, Service};

/// The shortest time between two refreshes of the providers' keys.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_mins(1);
/// How long signing keys are cached. A rotation reaches every process within this time.
const SIGNING_KEYS_TTL: Duration = Duration::from_mins(5);

/// The ARNs or names of the secrets. A function sets only those that it may read.
#[derive(Debug, Clone, Default)]
pub struct SecretNames {
    /// The secret with the providers' keys: `{"ANTHROPIC_API_KEY": "…", "OPENAI_API_KEY": "…"}`,
    /// and the reply cache's password as `REPLY_CACHE_PASSWORD`, if it has one.
    pub api_keys: Option<String>,
    /// The secret with the signing keys: `{"keys": [{"id": "…", "key": "…"}]}`, or a single key
    /// object.
    pub signing_keys: Option<String>,
}

/// Fetches keys on first use and caches them.
///
/// The providers' keys are cached until [`Secrets::refresh`]; a missing one is looked up again
/// after a minute. Signing keys are fetched again every five minutes; if that fails, the cached
/// ones remain in use.
#[derive(Debug)]
pub struct SecretsManagerSecrets {
    client: Client,
    names: SecretNames,
    providers: Mutex<Providers>,
    signing: Mutex<Option<(Instant, SigningKeys)>>,
}

/// The cached secret with the providers' keys.
#[derive(Debug, Default)]
struct Providers {
    cached: Option<(Instant, BTreeMap<SecretEntry, SecretString>)>,
    refreshed: BTreeMap<SecretEntry, Instant>,
}

impl SecretsManagerSecrets {
    /// Creates the adapter. Fetches nothing yet.
    pub fn new(sdk: &Sdk, names: SecretNames) -> Self {
        let client = Client::new(&sdk.config(Service::SecretsManager));
        Self { client, names, providers: Mutex::default(), signing: Mutex::default() }
    }

    /// Returns the reply cache's password, if one is set. It is cached like the providers' keys.
    pub async fn reply_cache_password(&self) -> Result<Option<SecretString>, SecretsError> {
        self.key(SecretEntry::ReplyCache).await
    }

    /// Drops the cached password of the reply cache after the server rejected it, as
    /// [`Secrets::refresh`] does with a provider's key.
    pub async fn refresh_reply_cache_password(&self) -> bool {
        self.forget(SecretEntry::ReplyCache).await
    }

    async fn key(&self, entry: SecretEntry) -> Result<Option<SecretString>, SecretsError> {
        let mut providers = self.providers.lock().await;
        if let Some((fetched, keys)) = &providers.cached {
            let key = keys.get(&entry);
            if key.is_some() || fetched.elapsed() < MIN_REFRESH_INTERVAL {
                return Ok(key.cloned());
            }
        }
        let secret = self.fetch(self.names.api_keys.as_deref()).await?;
        let keys = parse::provider_keys(&secret).map_err(failed)?;
        let key = keys.get(&entry).cloned();
        providers.cached = Some((Instant::now(), keys));
        Ok(key)
    }

    async fn forget(&self, entry: SecretEntry) -> bool {
        let mut providers = self.providers.lock().await;
        if providers.refreshed.get(&entry).is_some_and(|last| last.elapsed() < MIN_REFRESH_INTERVAL)
        {
            return false;
        }
        providers.refreshed.insert(entry, Instant::now());
        providers.cached = None;
        true
    }

    async fn fetch(&self, name: Option<&str>) -> Result<SecretString, SecretsError> {
        let name =
            name.ok_or_else(|| SecretsError("no secret is configured for these keys".into()))?;
        let answer = self.client.get_secret_value().secret_id(name).send().await;
        let answer = answer.map_err(|error| {
            failed(CallError::from_sdk("secretsmanager GetSecretValue", &error))
        })?;
        answer
            .secret_string
            .map(SecretString::from)
            .ok_or_else(|| failed("the secret has no text value"))
    }

    async fn fetch_signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        let secret = self.fetch(self.names.signing_keys.as_deref()).await?;
        parse::signing_keys(&secret).map_err(failed)
    }
}

#[async_trait]
impl Secrets for SecretsManagerSecrets {
    async fn provider_key(
        &self,
        provider: ProviderName,
    ) -> Result<Option<SecretString>, SecretsError> {
        self.key(SecretEntry::Provider(provider)).await
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        let mut signing = self.signing.lock().await;
        let known = match &*signing {
            Some((fetched, keys)) if fetched.elapsed() < SIGNING_KEYS_TTL => {
                return Ok(keys.clone());
            }
            Some((_, keys)) => Some(keys.clone()),
            None => None,
        };
        let keys = match (self.fetch_signing_keys().await, known) {
            (Ok(keys), _) => keys,
            (Err(error), Some(known)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not fetch the signing keys; the cached ones remain in use"
                );
                known
            }
            (Err(error), None) => return Err(error),
        };
        *signing = Some((Instant::now(), keys.clone()));
        Ok(keys)
    }

    async fn refresh(&self, provider: ProviderName) -> bool {
        self.forget(SecretEntry::Provider(provider)).await
    }
}

fn failed(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> SecretsError {
    SecretsError(reason.into())
}
