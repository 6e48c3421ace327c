//! When a person last sent a message: batches make room for people.

use std::sync::atomic::{AtomicI64, Ordering};

use shared::domain::Timestamp;

/// Before any message.
const NEVER: i64 = i64::MIN;

/// The time of the last message that was accepted over HTTP; those that operators put on the queue
/// do not count.
#[derive(Debug)]
pub struct Live(AtomicI64);

impl Default for Live {
    fn default() -> Self {
        Self(AtomicI64::new(NEVER))
    }
}

impl Live {
    /// Notes that a message was accepted.
    pub fn saw(&self, now: Timestamp) {
        self.0.fetch_max(now.0, Ordering::Relaxed);
    }

    /// Returns how many milliseconds ago the last one was, if there was one.
    pub fn since(&self, now: Timestamp) -> Option<u64> {
        let last = self.0.load(Ordering::Relaxed);
        (last != NEVER).then(|| u64::try_from(now.0.saturating_sub(last)).unwrap_or(0))
    }
}
