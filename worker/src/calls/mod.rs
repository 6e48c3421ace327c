//! The rules around one call of a provider.

pub mod breaker;
pub mod retry;

use std::sync::Arc;

use shared::domain::ProviderName;
use shared::ports::Model;

use self::breaker::{Breaker, BreakerSettings};

/// A provider with its circuit breaker.
pub struct Provider {
    /// Who answers.
    pub model: Arc<dyn Model>,
    /// Whether it is worth asking.
    pub breaker: Arc<Breaker>,
}

/// The configured providers. Their breakers live as long as the process: they only save time.
pub struct Providers(Vec<Provider>);

impl Providers {
    /// Puts a breaker beside each model.
    pub fn new(models: Vec<Arc<dyn Model>>, settings: BreakerSettings) -> Self {
        Self(
            models
                .into_iter()
                .map(|model| Provider { model, breaker: Arc::new(Breaker::new(settings)) })
                .collect(),
        )
    }

    /// Returns those of the names whose providers can be asked, in the same order.
    pub async fn configured(&self, names: Vec<ProviderName>) -> Vec<ProviderName> {
        let mut able = Vec::with_capacity(names.len());
        for name in names {
            let Some(provider) = self.get(name) else { continue };
            if provider.model.is_configured().await {
                able.push(name);
            }
        }
        able
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
