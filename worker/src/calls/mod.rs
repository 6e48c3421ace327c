//! The rules for calling a provider: retries and the circuit breaker.

pub mod breaker;
pub mod retry;

use std::sync::Arc;

use shared::domain::ProviderName;
use shared::ports::Model;

use self::breaker::Breaker;
use crate::config::BreakerSettings;

/// A provider with its circuit breaker.
pub struct Provider {
    /// The model.
    pub model: Arc<dyn Model>,
    /// Decides whether it may be called.
    pub breaker: Arc<Breaker>,
}

/// The providers, each with a breaker that lives as long as the process.
pub struct Providers(Vec<Provider>);

impl Providers {
    /// Gives each model a breaker.
    pub fn new(models: Vec<Arc<dyn Model>>, settings: BreakerSettings) -> Self {
        Self(
            models
                .into_iter()
                .map(|model| Provider { model, breaker: Arc::new(Breaker::new(settings)) })
                .collect(),
        )
    }

    /// Returns those of the names whose providers are configured, in the same order.
    pub async fn configured(&self, names: Vec<ProviderName>) -> Vec<ProviderName> {
        let mut configured = Vec::with_capacity(names.len());
        for name in names {
            let Some(provider) = self.get(name) else { continue };
            if provider.model.is_configured().await {
                configured.push(name);
            }
        }
        configured
    }

    /// Returns all of them.
    pub fn all(&self) -> &[Provider] {
        &self.0
    }

    /// Finds a provider.
    pub fn get(&self, name: ProviderName) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.model.provider() == name)
    }
}
