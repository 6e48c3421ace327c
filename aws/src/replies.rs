//! Replies that are kept for the same question, in a Redis or Valkey server that all functions
//! share.
//!
//! How much is kept is the server's own affair: its `maxmemory`, with a policy that evicts.

mod address;
mod line;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, Value};
use serde::{Deserialize, Serialize};
use shared::ports::{CacheError, CacheKey, CachedReply, ReplyCache};

pub use self::address::{AddressError, RedisAddress};
pub use self::line::Timeouts;
use self::line::{Answer, Line};
use crate::fault::Fault;
use crate::secrets::SecretsManagerSecrets;

/// The largest value that is written or read, in bytes: the longest reply that workers keep, were
/// each of its bytes escaped in JSON, and room to spare.
const MAX_VALUE_BYTES: usize = 512 * 1024;
const GET: &str = "redis GETRANGE";
const SET: &str = "redis SET";

/// The reply cache on Redis.
///
/// It connects with the first call, and no call waits for longer than a fraction of a second. What
/// fails is told once; until the server answers again a call finds nothing and keeps nothing, and
/// most calls do not ask.
pub struct RedisReplyCache {
    line: Line,
    /// What its keys begin with: stages may share a server.
    prefix: String,
    /// Whether somebody knows that the server is full, and evicts nothing.
    full: AtomicBool,
}

/// What a value holds.
///
/// The key is in it because answers on a shared connection are told apart by their order alone:
/// clients of other languages once gave one caller's answer to another after a call had been given
/// up.
#[derive(Serialize, Deserialize)]
struct Kept {
    key: String,
    reply: CachedReply,
}

impl RedisReplyCache {
    /// Takes where the server is, and who knows the password, if there is one. Nothing is connected
    /// yet.
    pub fn new(
        address: RedisAddress,
        stage: &str,
        secrets: Arc<SecretsManagerSecrets>,
        timeouts: Timeouts,
    ) -> Self {
        let prefix = format!("chatbot:{stage}:reply:");
        Self { line: Line::new(address, secrets, timeouts), prefix, full: AtomicBool::new(false) }
    }

    fn name(&self, key: &CacheKey) -> String {
        format!("{}{}", self.prefix, key.as_str())
    }

    /// Tells that the server is full, but only once until it is not.
    fn refused(&self, fault: Fault) -> Result<(), CacheError> {
        if self.full.swap(true, Ordering::Relaxed) { Ok(()) } else { Err(CacheError(fault.into())) }
    }
}

#[async_trait]
impl ReplyCache for RedisReplyCache {
    async fn get(&self, key: &CacheKey) -> Result<Option<CachedReply>, CacheError> {
        // A part of the value and not the value, so that not even a huge one is read further than
        // it may be.
        let mut command = redis::cmd("GETRANGE");
        command.arg(self.name(key)).arg(0).arg(MAX_VALUE_BYTES);
        match self.line.ask(GET, &command).await.map_err(|fault| CacheError(fault.into()))? {
            Answer::Value(Value::BulkString(bytes)) => Ok(read(key, &bytes)),
            Answer::Value(_) | Answer::Refused(_) | Answer::NotAsked => Ok(None),
        }
    }

    async fn put(
        &self,
        key: &CacheKey,
        reply: &CachedReply,
        keep: Duration,
    ) -> Result<(), CacheError> {
        let Some(command) = set(self.name(key), key, reply, keep)? else { return Ok(()) };
        match self.line.ask(SET, &command).await.map_err(|fault| CacheError(fault.into()))? {
            Answer::Value(_) => self.full.store(false, Ordering::Relaxed),
            Answer::Refused(fault) => return self.refused(fault),
            Answer::NotAsked => (),
        }
        Ok(())
    }
}

/// Writes a reply as a command; `None` if it is too long, or to be kept for no time.
fn set(
    name: String,
    key: &CacheKey,
    reply: &CachedReply,
    keep: Duration,
) -> Result<Option<Cmd>, CacheError> {
    let kept = Kept { key: key.as_str().to_owned(), reply: reply.clone() };
    let value = serde_json::to_vec(&kept).map_err(|error| CacheError(error.into()))?;
    let millis = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
    if value.len() > MAX_VALUE_BYTES || millis == 0 {
        return Ok(None);
    }
    let mut command = redis::cmd("SET");
    command.arg(name).arg(value).arg("PX").arg(millis);
    Ok(Some(command))
}

/// Reads a value; what is not one of ours, or is another key's, is nothing. An absent key is an
/// empty text.
fn read(key: &CacheKey, bytes: &[u8]) -> Option<CachedReply> {
    if bytes.is_empty() || bytes.len() > MAX_VALUE_BYTES {
        return None;
    }
    let kept = serde_json::from_slice::<Kept>(bytes).ok().filter(|kept| kept.key == key.as_str());
    if kept.is_none() {
        tracing::debug!("a kept reply cannot be used");
    }
    kept.map(|kept| kept.reply)
}
