//! Keys.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{SecretSlice, SecretString};

use crate::domain::ProviderName;

/// One key that tokens and tickets are signed with.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// The id that a token carries.
    pub id: String,
    /// The key, at least 32 bytes.
    pub key: Arc<SecretSlice<u8>>,
}

/// The live signing keys: the first signs, all verify.
#[derive(Debug, Clone)]
pub struct SigningKeys(pub Vec<SigningKey>);

/// The reason why a secret could not be had.
#[derive(Debug, thiserror::Error)]
#[error("the secrets are unavailable")]
pub struct SecretsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Holds the keys: fetched on first use and cached.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Returns the provider's key; `None` if none is set.
    async fn provider_key(
        &self,
        provider: ProviderName,
    ) -> Result<Option<SecretString>, SecretsError>;

    /// Returns one or two signing keys.
    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError>;

    /// Forgets the provider's cached key after an authentication failure, at most once a minute.
    ///
    /// Returns whether the next call fetches it again.
    async fn refresh(&self, provider: ProviderName) -> bool;
}
