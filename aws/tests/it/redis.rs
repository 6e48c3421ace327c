//! The reply cache on a real server, and on none.

mod outage;
mod tls;
mod values;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::redis::{RedisAddress, RedisReplyCache, RedisTimeouts};
use aws::secrets::{SecretNames, SecretsManagerSecrets};
use serde_json::json;
use shared::domain::ProviderName;
use shared::ports::{CacheKey, CachedReply, ReplyCache as _};

use crate::support::service::{Answer, Service};

const STAGE: &str = "test";
const LONG: Duration = Duration::from_mins(1);
/// So long that only an unavailable server exceeds them, however busy the machine is.
const LONG_TIMEOUTS: RedisTimeouts = RedisTimeouts {
    connect: Duration::from_secs(20),
    wait: Duration::from_secs(20),
    response: Duration::from_secs(20),
};

/// The secret with the keys, which a test changes.
#[derive(Clone)]
struct Vault(Arc<Mutex<Option<String>>>);

impl Vault {
    fn new(password: Option<&str>) -> Self {
        Self(Arc::new(Mutex::new(password.map(str::to_owned))))
    }

    fn secrets(&self) -> Arc<SecretsManagerSecrets> {
        let password = self.0.clone();
        let service = Service::new(move |_, _| {
            let password = password.lock().unwrap().clone();
            let password = password.unwrap_or_default();
            let secret = json!({"ANTHROPIC_API_KEY": "k", "REPLY_CACHE_PASSWORD": password});
            Answer::ok(json!({"SecretString": secret.to_string()}))
        });
        let names = SecretNames { api_keys: Some("arn:api-keys".to_owned()), signing_keys: None };
        Arc::new(SecretsManagerSecrets::new(&service.sdk(), names))
    }
}

/// A cache at an address, without a password.
fn cache(url: &str, timeouts: RedisTimeouts) -> RedisReplyCache {
    RedisReplyCache::new(
        RedisAddress::parse(url).unwrap(),
        STAGE,
        Vault::new(None).secrets(),
        timeouts,
    )
}

fn key(name: &str) -> CacheKey {
    CacheKey::of(&["test", name])
}

/// What the server calls it.
fn name(key: &CacheKey) -> String {
    format!("chatbot:{STAGE}:reply:{}", key.as_str())
}

fn reply(text: &str) -> CachedReply {
    CachedReply {
        provider: ProviderName::Claude,
        model: "claude-x".to_owned(),
        text: text.to_owned(),
        citations: Vec::new(),
        grounding: None,
    }
}

/// Checks that a reply can be kept and found.
async fn check_keeps(cache: &RedisReplyCache, text: &str) {
    cache.put(&key(text), &reply(text), LONG).await.unwrap();
    assert_eq!(cache.get(&key(text)).await.unwrap(), Some(reply(text)));
}
