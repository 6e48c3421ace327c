//! What a world begins with.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretSlice;
use shared::environment::Environment;
use shared::memory::{MemoryDocuments, MemorySecrets, OwnedDocument, TokioClock};
use shared::ports::{Model, SigningKey, SigningKeys};
use shared::reply_cache::{CacheLimits, MemoryReplyCache};
use worker::config::Pace;
use worker::reply_cache::ReplyCacheClient;

use super::FakeModel;
use super::world::START;

/// What a world begins with.
pub(crate) struct Setup {
    pub(crate) models: Vec<Arc<FakeModel>>,
    /// A model of the test's own, asked before all others.
    pub(crate) own: Option<Arc<dyn Model>>,
    pub(crate) secrets: Arc<MemorySecrets>,
    pub(crate) documents: Vec<OwnedDocument>,
    /// Documents that the test changes, in place of those.
    pub(crate) library: Option<Arc<MemoryDocuments>>,
    pub(crate) searchable: bool,
    pub(crate) environment: Environment,
    pub(crate) reply_cache: Option<ReplyCacheClient>,
    pub(crate) pace: Pace,
}

impl Setup {
    pub(crate) fn new(models: Vec<Arc<FakeModel>>) -> Self {
        let own = None;
        let secrets = Arc::new(secrets());
        let documents = Vec::new();
        let environment = Environment::default();
        Self {
            models,
            own,
            secrets,
            documents,
            library: None,
            searchable: true,
            environment,
            reply_cache: None,
            pace: Pace::ONE_MACHINE,
        }
    }

    /// Adds a reply cache in memory.
    pub(crate) fn caching(self) -> Self {
        let limits = CacheLimits { entries: 10, bytes: 1_000_000 };
        let clock = Arc::new(TokioClock::starting_at(START));
        let cache = Arc::new(MemoryReplyCache::new(clock, limits));
        let ttl = Duration::from_hours(1);
        let reply_cache = ReplyCacheClient { cache, ttl, timeout: Duration::from_millis(5) };
        Self { reply_cache: Some(reply_cache), ..self }
    }

    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.environment = self.environment.with(variable, value);
        self
    }
}

fn secrets() -> MemorySecrets {
    let key = SigningKey { id: "k".into(), key: Arc::new(SecretSlice::from(vec![7; 32])) };
    MemorySecrets::new(SigningKeys(vec![key]))
}
