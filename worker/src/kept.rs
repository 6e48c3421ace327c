//! Replies that were kept for the same first question.
//!
//! A reply is kept for whoever may read all that it was made of: for everybody where the document
//! is public or there is none, else for the principal alone. The question is part of the key, so
//! that nobody is told an answer to what they did not ask word for word. The cache is asked for
//! some milliseconds at most, and nothing depends on it.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ContextUse, Principal, ProviderName};
use shared::environment::{ConfigError, Environment, invalid};
use shared::ports::{CacheKey, CachedReply, Prompt, ReplyCache, Role};
use shared::reply_cache::CacheLimits;
use tokio::time::timeout;

/// The longest that a cache in this process or on this machine is waited for.
const PATIENCE_NEARBY: Duration = Duration::from_millis(5);
/// The longest that a cache behind a network is waited for: longer than it waits itself, so that it
/// learns of a server that does not answer, and does not ask it for a while.
const PATIENCE_AWAY: Duration = Duration::from_millis(100);
/// The longest reply that is kept, in bytes.
const MAX_KEPT_BYTES: usize = 64 * 1024;
/// The most that a cache in memory takes.
const MAX_MEMORY_BYTES: usize = 64 * 1024 * 1024;
/// The places that one home alone has.
const HOMES: [(&str, &str); 2] = [("redis", "AWS"), ("sqlite", "one machine")];
/// What a key begins with; another one where what goes into keys changes.
const VERSION: &str = "1";

/// Where replies are kept (`CHATBOT_REPLY_CACHE`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CachePlace {
    /// Nowhere.
    #[default]
    Off,
    /// In this process.
    Memory,
    /// In the database of one machine.
    Sqlite,
    /// In a Redis or Valkey server that all functions share.
    Redis,
}

/// How replies are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSettings {
    /// Where.
    pub place: CachePlace,
    /// For how long (`CHATBOT_REPLY_CACHE_SECONDS`).
    pub keep: Duration,
    /// How many, at most (`CHATBOT_REPLY_CACHE_ENTRIES`).
    pub entries: usize,
}

impl CacheSettings {
    /// Reads the settings; `places` are those that this home has beside `off`.
    pub fn from(
        environment: &Environment,
        places: &[(&str, CachePlace)],
    ) -> Result<Self, ConfigError> {
        const VARIABLE: &str = "CHATBOT_REPLY_CACHE";
        let place = match environment.text(VARIABLE) {
            None | Some("off") => CachePlace::Off,
            Some(name) => {
                let place =
                    places.iter().find(|(known, _)| *known == name).map(|(_, place)| *place);
                place.ok_or_else(|| invalid(VARIABLE, name, problem(name, places)))?
            }
        };
        let seconds = environment.number_or("CHATBOT_REPLY_CACHE_SECONDS", 3_600, 1..=604_800)?;
        let entries = environment.number_or("CHATBOT_REPLY_CACHE_ENTRIES", 1_000, 1..=1_000_000)?;
        let keep = Duration::from_secs(seconds);
        let entries = usize::try_from(entries).unwrap_or(1_000);
        Ok(Self { place, keep, entries })
    }
}

/// Says which places there are here, and where one is that others have.
fn problem(name: &str, places: &[(&str, CachePlace)]) -> String {
    let names: Vec<_> = places.iter().map(|(name, _)| *name).collect();
    let elsewhere = HOMES.iter().find(|(place, _)| *place == name);
    let elsewhere =
        elsewhere.map(|(place, home)| format!("; {place} is for {home} only")).unwrap_or_default();
    format!("must be off or {}{elsewhere}", names.join(" or "))
}

impl CacheSettings {
    /// Returns the bounds of a cache in memory.
    pub fn memory_bounds(&self) -> CacheLimits {
        CacheLimits { entries: self.entries, bytes: MAX_MEMORY_BYTES }
    }

    /// Keeps replies in this cache, as these settings say.
    pub fn keeping(&self, cache: Arc<dyn ReplyCache>) -> KeptReplies {
        let patience =
            if self.place == CachePlace::Redis { PATIENCE_AWAY } else { PATIENCE_NEARBY };
        KeptReplies { cache, keep: self.keep, patience }
    }
}

/// A cache, for how long it keeps replies, and for how long it is waited for.
#[derive(Clone)]
pub struct KeptReplies {
    /// Where replies are.
    pub cache: Arc<dyn ReplyCache>,
    /// For how long a reply is kept.
    pub keep: Duration,
    /// The longest that the cache is waited for.
    pub patience: Duration,
}

/// What decides whether a prompt's reply may be kept, and for whom.
pub(crate) struct Asked<'a> {
    pub(crate) prompt: &'a Prompt,
    pub(crate) context: ContextUse,
    pub(crate) principal: &'a Principal,
}

impl Asked<'_> {
    /// Returns the key of a model's reply; `None` if it must not be kept.
    ///
    /// The system text holds the document's version: its fence is a hash of the whole document.
    pub(crate) fn key(&self, provider: ProviderName, model: &str) -> Option<CacheKey> {
        let Prompt { system, messages, document, max_tokens, .. } = self.prompt;
        let first = matches!(messages.as_slice(), [only] if only.role == Role::User);
        if !first || self.context == ContextUse::Unavailable || provider == ProviderName::Offline {
            return None;
        }
        let hash = self.principal.hash();
        let public = document.as_ref().is_none_or(|document| document.public);
        let readers = if public { "everybody" } else { hash.as_str() };
        let question = messages.first()?.text.as_str();
        let limit = max_tokens.to_string();
        Some(CacheKey::of(&[VERSION, readers, provider.as_str(), model, &limit, system, question]))
    }
}

impl KeptReplies {
    /// Finds a reply in time.
    pub(crate) async fn find(&self, key: &CacheKey) -> Option<CachedReply> {
        match timeout(self.patience, self.cache.get(key)).await {
            // A cache that others can write to may hold anything.
            Ok(Ok(reply)) => reply.filter(|reply| (1..=MAX_KEPT_BYTES).contains(&reply.text.len())),
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the reply cache was not read"
                );
                None
            }
            Err(_) => {
                tracing::debug!("the reply cache was not read in time");
                None
            }
        }
    }

    /// Keeps a reply, if that can be done in time.
    pub(crate) async fn keep(&self, key: &CacheKey, reply: &CachedReply) {
        if reply.text.len() > MAX_KEPT_BYTES {
            return;
        }
        match timeout(self.patience, self.cache.put(key, reply, self.keep)).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a reply was not kept");
            }
            Err(_) => tracing::debug!("a reply was not kept in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_a_home_does_not_have_is_named() {
        let of = |value: &str| {
            let places = [("memory", CachePlace::Memory), ("sqlite", CachePlace::Sqlite)];
            CacheSettings::from(&Environment::default().with("CHATBOT_REPLY_CACHE", value), &places)
        };
        assert_eq!(of("off").unwrap().place, CachePlace::Off);
        assert_eq!(of("sqlite").unwrap().place, CachePlace::Sqlite);
        assert_eq!(
            of("redis").unwrap_err().to_string(),
            "CHATBOT_REPLY_CACHE is \"redis\", but must be off or memory or sqlite; redis is for \
            AWS only"
        );
        assert_eq!(
            of("disk").unwrap_err().to_string(),
            "CHATBOT_REPLY_CACHE is \"disk\", but must be off or memory or sqlite"
        );
    }
}
