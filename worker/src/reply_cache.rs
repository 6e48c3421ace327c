//! Cached replies to the first question of a session.
//!
//! A cached reply is shared by everyone who may read everything that it was made from: by all
//! callers if the document is public or there is none, otherwise by the same principal only. The
//! question is part of the key, so a caller gets a cached reply only to exactly the same question.
//! Nothing depends on the cache: every call has a short timeout, and failures are only logged.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ContextUse, Principal, ProviderName};
use shared::ports::{CacheKey, CachedReply, Prompt, ReplyCache, Role};
use tokio::time::timeout;

use crate::config::{ReplyCacheBackend, ReplyCacheSettings};
use crate::context::NumberedSource;

/// The timeout for a cache in this process or on this machine.
const LOCAL_TIMEOUT: Duration = Duration::from_millis(5);
/// The timeout for a cache behind a network.
///
/// It must be longer than the Redis adapter's own timeout: the adapter has to see for itself that
/// the server does not answer, or it would not stop asking the server for a while.
const NETWORK_TIMEOUT: Duration = Duration::from_millis(100);

/// The longest reply that is cached, in bytes.
const MAX_CACHED_BYTES: usize = 64 * 1024;

/// The first part of every key; it must change when the composition of keys changes.
const VERSION: &str = "2";

/// A reply cache, how long replies stay in it, and how long to wait for it.
#[derive(Clone)]
pub struct ReplyCacheClient {
    /// The cache.
    pub cache: Arc<dyn ReplyCache>,
    /// How long a reply stays in the cache.
    pub ttl: Duration,
    /// How long one call of the cache may take.
    pub timeout: Duration,
}

impl ReplyCacheClient {
    /// Makes the client of a cache with these settings.
    pub fn new(cache: Arc<dyn ReplyCache>, settings: &ReplyCacheSettings) -> Self {
        let timeout = match settings.backend {
            ReplyCacheBackend::Redis => NETWORK_TIMEOUT,
            _ => LOCAL_TIMEOUT,
        };
        Self { cache, ttl: settings.ttl, timeout }
    }

    /// Reads a reply; `None` if there is none, or the cache failed or took too long.
    pub(crate) async fn get(&self, key: &CacheKey) -> Option<CachedReply> {
        match timeout(self.timeout, self.cache.get(key)).await {
            // Other programs can write to a shared cache, so its entries may hold anything.
            Ok(Ok(reply)) => {
                reply.filter(|reply| (1..=MAX_CACHED_BYTES).contains(&reply.text.len()))
            }
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the reply cache could not be read"
                );
                None
            }
            Err(_) => {
                tracing::debug!("the reply cache was not read in time");
                None
            }
        }
    }

    /// Writes a reply, unless it is too long or the cache fails or takes too long.
    pub(crate) async fn put(&self, key: &CacheKey, reply: &CachedReply) {
        if reply.text.len() > MAX_CACHED_BYTES {
            return;
        }
        match timeout(self.timeout, self.cache.put(key, reply, self.ttl)).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a reply could not be cached"
                );
            }
            Err(_) => tracing::debug!("a reply was not cached in time"),
        }
    }
}

/// What decides whether the reply to a prompt may be cached, and for whom.
pub(crate) struct CacheQuery<'a> {
    pub(crate) prompt: &'a Prompt,
    pub(crate) context: ContextUse,
    /// The passages in the prompt.
    pub(crate) sources: &'a [NumberedSource],
    pub(crate) principal: &'a Principal,
}

impl CacheQuery<'_> {
    /// Returns the key of a model's reply; `None` if the reply must not be cached.
    ///
    /// The version of the document is part of the key: the system text contains a hash of the whole
    /// document, as the delimiter of the document's block. So are the passages that were found, in
    /// their order, each with the version of its document, which the citations of the reply name.
    pub(crate) fn key(&self, provider: ProviderName, model: &str) -> Option<CacheKey> {
        let Prompt { system, messages, document, found, max_tokens, .. } = self.prompt;
        let first = matches!(messages.as_slice(), [only] if only.role == Role::User);
        if !first || self.context == ContextUse::Unavailable || provider == ProviderName::Offline {
            return None;
        }
        let hash = self.principal.hash();
        let public = document.as_ref().is_none_or(|document| document.public)
            && self.sources.iter().all(|source| source.found.public);
        let readers = if public { "everybody" } else { hash.as_str() };
        let question = messages.first()?.text.as_str();
        let limit = max_tokens.to_string();
        let passages = found.as_ref().map_or("", |found| found.text.as_str());
        let versions: String = self
            .sources
            .iter()
            .map(|source| source.found.source.clone() + &source.passage.version)
            .collect();
        Some(CacheKey::of(&[
            VERSION,
            readers,
            provider.as_str(),
            model,
            &limit,
            system,
            passages,
            &versions,
            question,
        ]))
    }
}
