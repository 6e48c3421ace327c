//! Keys, from Secrets Manager.

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

use self::parse::Opens;
use crate::fault::Fault;
use crate::sdk::{Sdk, Service};

/// The shortest time between two refreshes of the providers' keys.
const REFRESH_EVERY: Duration = Duration::from_mins(1);
/// How long signing keys are used before they are looked at again, so that a rotation reaches every
/// process.
const SIGNING_KEPT: Duration = Duration::from_mins(5);

/// Which secrets hold which keys, by ARN or name; a function names only those that it may read.
#[derive(Debug, Clone, Default)]
pub struct SecretNames {
    /// The secret with the providers' keys: `{"ANTHROPIC_API_KEY": "…", "OPENAI_API_KEY": "…"}`,
    /// and the reply cache's password as `REPLY_CACHE_PASSWORD` where it has one.
    pub api_keys: Option<String>,
    /// The secret with the signing keys: `{"keys": [{"id": "…", "key": "…"}]}`, or one such key
    /// alone.
    pub signing_keys: Option<String>,
}

/// Fetches keys on first use and caches them.
///
/// The providers' keys stay until [`Secrets::refresh`]; one that is not set is looked for again
/// after a minute.
/// Signing keys are fetched again every five minutes; while that fails, the known ones go on.
#[derive(Debug)]
pub struct SecretsManagerSecrets {
    client: Client,
    names: SecretNames,
    providers: Mutex<Providers>,
    signing: Mutex<Option<(Instant, SigningKeys)>>,
}

/// The providers' keys, which are in one secret.
#[derive(Debug, Default)]
struct Providers {
    cached: Option<(Instant, BTreeMap<Opens, SecretString>)>,
    refreshed: BTreeMap<Opens, Instant>,
}

impl SecretsManagerSecrets {
    /// Takes the names of the secrets. Nothing is fetched yet.
    pub fn new(sdk: &Sdk, names: SecretNames) -> Self {
        let client = Client::new(&sdk.config(Service::SecretsManager));
        Self { client, names, providers: Mutex::default(), signing: Mutex::default() }
    }

    /// Returns the reply cache's password; `None` if none is set. It is cached as the providers'
    /// keys are.
    pub async fn reply_cache_password(&self) -> Result<Option<SecretString>, SecretsError> {
        self.key(Opens::ReplyCache).await
    }

    /// Forgets the reply cache's cached password after a refusal, as [`Secrets::refresh`] does with
    /// a provider's key.
    pub async fn refresh_reply_cache_password(&self) -> bool {
        self.forget(Opens::ReplyCache).await
    }

    async fn key(&self, opens: Opens) -> Result<Option<SecretString>, SecretsError> {
        let mut providers = self.providers.lock().await;
        if let Some((fetched, keys)) = &providers.cached {
            let key = keys.get(&opens);
            if key.is_some() || fetched.elapsed() < REFRESH_EVERY {
                return Ok(key.cloned());
            }
        }
        let secret = self.fetch(self.names.api_keys.as_deref()).await?;
        let keys = parse::provider_keys(&secret).map_err(failed)?;
        let key = keys.get(&opens).cloned();
        providers.cached = Some((Instant::now(), keys));
        Ok(key)
    }

    async fn forget(&self, opens: Opens) -> bool {
        let mut providers = self.providers.lock().await;
        if providers.refreshed.get(&opens).is_some_and(|last| last.elapsed() < REFRESH_EVERY) {
            return false;
        }
        providers.refreshed.insert(opens, Instant::now());
        providers.cached = None;
        true
    }

    async fn fetch(&self, name: Option<&str>) -> Result<SecretString, SecretsError> {
        let name = name.ok_or_else(|| SecretsError("no secret is named for these keys".into()))?;
        let answer = self.client.get_secret_value().secret_id(name).send().await;
        let answer =
            answer.map_err(|error| failed(Fault::of("secretsmanager GetSecretValue", &error)))?;
        answer
            .secret_string
            .map(SecretString::from)
            .ok_or_else(|| failed("the secret holds no text"))
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
        self.key(Opens::Provider(provider)).await
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        let mut signing = self.signing.lock().await;
        let known = match &*signing {
            Some((fetched, keys)) if fetched.elapsed() < SIGNING_KEPT => return Ok(keys.clone()),
            Some((_, keys)) => Some(keys.clone()),
            None => None,
        };
        let keys = match (self.fetch_signing_keys().await, known) {
            (Ok(keys), _) => keys,
            (Err(error), Some(known)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the known signing keys go on"
                );
                known
            }
            (Err(error), None) => return Err(error),
        };
        *signing = Some((Instant::now(), keys.clone()));
        Ok(keys)
    }

    async fn refresh(&self, provider: ProviderName) -> bool {
        self.forget(Opens::Provider(provider)).await
    }
}

fn failed(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> SecretsError {
    SecretsError(reason.into())
}
