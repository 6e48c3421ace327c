//! Replies that are kept for the same question.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{Citation, Grounding, ProviderName, sha256_hex};

/// What a reply is found by: everything that it depends on, as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey(String);

impl CacheKey {
    /// Makes the key of these parts, in this order; a part never runs into the next one.
    pub fn of(parts: &[&str]) -> Self {
        let mut all = String::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            all.push_str(&part.len().to_string());
            all.push(':');
            all.push_str(part);
        }
        Self(sha256_hex(&all))
    }

    /// Returns the key as text: 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A whole reply that ended normally.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedReply {
    /// Who wrote it.
    pub provider: ProviderName,
    /// Which model wrote it, as the provider named it.
    pub model: String,
    /// The text.
    pub text: String,
    /// What it cites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// What it stands on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounding: Option<Grounding>,
}

/// The reason why the cache could not be asked. Nothing depends on it: the caller goes on without.
#[derive(Debug, thiserror::Error)]
#[error("the reply cache failed")]
pub struct CacheError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps replies for a while.
///
/// It may forget anything at any time, and never finds what was not put under the very same key.
/// What is older than the time it was put for is absent, and so is what would make it larger than
/// its bounds.
#[async_trait]
pub trait ReplyCache: Send + Sync {
    /// Finds the reply that was put last under the key.
    async fn get(&self, key: &CacheKey) -> Result<Option<CachedReply>, CacheError>;

    /// Keeps a reply for so long, in the place of what was there.
    async fn put(
        &self,
        key: &CacheKey,
        reply: &CachedReply,
        keep: Duration,
    ) -> Result<(), CacheError>;
}
