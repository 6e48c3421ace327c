//! The reply cache in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::Timestamp;
use crate::ports::{CacheError, CacheKey, CachedReply, Clock, ReplyCache};

/// What an entry takes beside its text, roughly.
const ENTRY_BYTES: usize = 256;

/// The limits of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// The most replies.
    pub entries: usize,
    /// The most bytes of all of them.
    pub bytes: usize,
}

/// A reply cache in memory: the reply that was not asked for the longest goes first.
pub struct MemoryReplyCache {
    clock: Arc<dyn Clock>,
    limits: CacheLimits,
    replies: Mutex<Replies>,
}

#[derive(Default)]
struct Replies {
    entries: HashMap<CacheKey, Entry>,
    /// The keys in the order of their last use.
    uses: BTreeMap<u64, CacheKey>,
    used: u64,
    bytes: usize,
}

struct Entry {
    reply: CachedReply,
    until: Timestamp,
    used: u64,
}

impl MemoryReplyCache {
    /// Makes an empty cache.
    pub fn new(clock: Arc<dyn Clock>, limits: CacheLimits) -> Self {
        Self { clock, limits, replies: Mutex::default() }
    }

    fn replies(&self) -> MutexGuard<'_, Replies> {
        // A panic elsewhere leaves the entries whole: no critical section here can panic halfway.
        self.replies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replies {
    fn find(&mut self, key: &CacheKey, now: Timestamp) -> Option<CachedReply> {
        if self.entries.get(key)?.until <= now {
            self.remove(key);
            return None;
        }
        self.used += 1;
        let entry = self.entries.get_mut(key)?;
        self.uses.remove(&entry.used);
        entry.used = self.used;
        self.uses.insert(entry.used, key.clone());
        Some(entry.reply.clone())
    }

    fn insert(&mut self, key: CacheKey, reply: CachedReply, until: Timestamp) {
        self.remove(&key);
        self.used += 1;
        self.bytes += size(&reply);
        self.uses.insert(self.used, key.clone());
        self.entries.insert(key, Entry { reply, until, used: self.used });
    }

    fn remove(&mut self, key: &CacheKey) {
        if let Some(entry) = self.entries.remove(key) {
            self.uses.remove(&entry.used);
            self.bytes -= size(&entry.reply);
        }
    }

    fn shrink(&mut self, limits: CacheLimits) {
        while self.entries.len() > limits.entries || self.bytes > limits.bytes {
            let Some((_, oldest)) = self.uses.pop_first() else { return };
            self.remove(&oldest);
        }
    }
}

fn size(reply: &CachedReply) -> usize {
    reply.text.len() + reply.model.len() + ENTRY_BYTES
}

#[async_trait]
impl ReplyCache for MemoryReplyCache {
    async fn get(&self, key: &CacheKey) -> Result<Option<CachedReply>, CacheError> {
        let now = self.clock.now();
        Ok(self.replies().find(key, now))
    }

    async fn put(
        &self,
        key: &CacheKey,
        reply: &CachedReply,
        keep: Duration,
    ) -> Result<(), CacheError> {
        let until = self.clock.now().plus(keep);
        let mut replies = self.replies();
        replies.insert(key.clone(), reply.clone(), until);
        replies.shrink(self.limits);
        Ok(())
    }
}
