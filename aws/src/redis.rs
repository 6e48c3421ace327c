//! The reply cache on a Redis or Valkey server that all functions share.
//!
//! The size of the cache is set on the server: `maxmemory`, with an eviction policy.

mod address;
mod connection;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, Value};
use serde::{Deserialize, Serialize};
use shared::ports::{CacheError, CacheKey, CachedReply, ReplyCache};

pub use self::address::{RedisAddress, RedisAddressError};
pub use self::connection::RedisTimeouts;
use self::connection::{CommandOutcome, RedisConnection};
use crate::call_error::CallError;
use crate::secrets::SecretsManagerSecrets;

/// The largest value that is written or read, in bytes: room for the longest reply that workers
/// cache, even if JSON escapes each of its bytes.
const MAX_VALUE_BYTES: usize = 512 * 1024;
const GET: &str = "redis GETRANGE";
const SET: &str = "redis SET";

/// The reply cache on Redis.
///
/// It connects at the first call. No call takes longer than a fraction of a second. Only the first
/// error of an outage is returned; until the server responds again, reads miss and writes are
/// skipped, mostly without a request.
pub struct RedisReplyCache {
    connection: RedisConnection,
    /// The prefix of all keys, because several stages may share a server.
    prefix: String,
    /// Whether it has been reported that the server is full and evicts nothing.
    full: AtomicBool,
}

/// The content of a value.
///
/// It includes the key, because responses on a shared connection are matched to requests by their
/// order alone. A client library that gets this wrong after a cancelled call returns one caller's
/// response to another, as has happened in other languages; the key makes that a miss instead of a
/// reply to somebody else's question.
#[derive(Serialize, Deserialize)]
struct CachedValue {
    key: String,
    reply: CachedReply,
}

impl RedisReplyCache {
    /// Creates the cache. Connects at the first call, with the password in `secrets` if there is
    /// one.
    pub fn new(
        address: RedisAddress,
        stage: &str,
        secrets: Arc<SecretsManagerSecrets>,
        timeouts: RedisTimeouts,
    ) -> Self {
        let prefix = format!("chatbot:{stage}:reply:");
        Self {
            connection: RedisConnection::new(address, secrets, timeouts),
            prefix,
            full: AtomicBool::new(false),
        }
    }

    fn name(&self, key: &CacheKey) -> String {
        format!("{}{}", self.prefix, key.as_str())
    }

    /// Returns the error of a full server, but only once until a write succeeds again.
    fn refused(&self, error: CallError) -> Result<(), CacheError> {
        if self.full.swap(true, Ordering::Relaxed) { Ok(()) } else { Err(CacheError(error.into())) }
    }
}

#[async_trait]
impl ReplyCache for RedisReplyCache {
    async fn get(&self, key: &CacheKey) -> Result<Option<CachedReply>, CacheError> {
        // GETRANGE rather than GET, so that an oversized value is not transferred whole.
        let mut command = redis::cmd("GETRANGE");
        command.arg(self.name(key)).arg(0).arg(MAX_VALUE_BYTES);
        match self
            .connection
            .execute(GET, &command)
            .await
            .map_err(|error| CacheError(error.into()))?
        {
            CommandOutcome::Value(Value::BulkString(bytes)) => Ok(read(key, &bytes)),
            CommandOutcome::Value(_) | CommandOutcome::Refused(_) | CommandOutcome::Skipped => {
                Ok(None)
            }
        }
    }

    async fn put(
        &self,
        key: &CacheKey,
        reply: &CachedReply,
        keep: Duration,
    ) -> Result<(), CacheError> {
        let Some(command) = set(self.name(key), key, reply, keep)? else { return Ok(()) };
        match self
            .connection
            .execute(SET, &command)
            .await
            .map_err(|error| CacheError(error.into()))?
        {
            CommandOutcome::Value(_) => self.full.store(false, Ordering::Relaxed),
            CommandOutcome::Refused(error) => return self.refused(error),
            CommandOutcome::Skipped => (),
        }
        Ok(())
    }
}

/// Builds the command that stores a reply; `None` if the reply is too long or its TTL is zero.
fn set(
    name: String,
    key: &CacheKey,
    reply: &CachedReply,
    keep: Duration,
) -> Result<Option<Cmd>, CacheError> {
    let cached = CachedValue { key: key.as_str().to_owned(), reply: reply.clone() };
    let value = serde_json::to_vec(&cached).map_err(|error| CacheError(error.into()))?;
    let millis = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
    if value.len() > MAX_VALUE_BYTES || millis == 0 {
        return Ok(None);
    }
    let mut command = redis::cmd("SET");
    command.arg(name).arg(value).arg("PX").arg(millis);
    Ok(Some(command))
}

/// Reads a value. One that cannot be read or belongs to another key is a miss; so is an empty one,
/// which is GETRANGE's response for an absent key.
fn read(key: &CacheKey, bytes: &[u8]) -> Option<CachedReply> {
    if bytes.is_empty() || bytes.len() > MAX_VALUE_BYTES {
        return None;
    }
    let cached = serde_json::from_slice::<CachedValue>(bytes).ok();
    let cached = cached.filter(|cached| cached.key == key.as_str());
    if cached.is_none() {
        tracing::debug!("ignored a cached reply that cannot be used");
    }
    cached.map(|cached| cached.reply)
}
