//! Keys in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::time::Instant;

use super::lock;
use crate::domain::ProviderName;
use crate::ports::{Secrets, SecretsError, SigningKeys};

/// The shortest time between two refreshes of one key.
const REFRESH_EVERY: Duration = Duration::from_mins(1);

/// Keys that are fetched from a source in memory on first use, and cached.
#[derive(Debug)]
pub struct MemorySecrets {
    signing: SigningKeys,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    source: BTreeMap<ProviderName, SecretString>,
    cached: BTreeMap<ProviderName, Option<SecretString>>,
    refreshed: BTreeMap<ProviderName, Instant>,
}

impl MemorySecrets {
    /// Holds these signing keys and no provider's key.
    pub fn new(signing: SigningKeys) -> Self {
        Self { signing, state: Mutex::default() }
    }

    /// Sets a provider's key at the source; who has cached an older one goes on with that.
    pub fn set(&self, provider: ProviderName, key: SecretString) {
        lock(&self.state).source.insert(provider, key);
    }
}

#[async_trait]
impl Secrets for MemorySecrets {
    async fn provider_key(
        &self,
        provider: ProviderName,
    ) -> Result<Option<SecretString>, SecretsError> {
        let State { source, cached, .. } = &mut *lock(&self.state);
        Ok(cached.entry(provider).or_insert_with(|| source.get(&provider).cloned()).clone())
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        Ok(self.signing.clone())
    }

    async fn refresh(&self, provider: ProviderName) -> bool {
        let State { cached, refreshed, .. } = &mut *lock(&self.state);
        if refreshed.get(&provider).is_some_and(|last| last.elapsed() < REFRESH_EVERY) {
            return false;
        }
        refreshed.insert(provider, Instant::now());
        cached.remove(&provider);
        true
    }
}
