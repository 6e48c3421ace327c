//! The time of the last message of a user. Batches slow down while people are chatting.

use std::sync::atomic::{AtomicI64, Ordering};

use shared::domain::Timestamp;

/// The value before the first message.
const NEVER: i64 = i64::MIN;

/// The time of the last message that was accepted over HTTP. Messages that operators put on the
/// queue do not count.
#[derive(Debug)]
pub struct LastMessage(AtomicI64);

impl Default for LastMessage {
    fn default() -> Self {
        Self(AtomicI64::new(NEVER))
    }
}

impl LastMessage {
    /// Records that a message was accepted.
    pub fn record(&self, now: Timestamp) {
        self.0.fetch_max(now.0, Ordering::Relaxed);
    }

    /// Returns the milliseconds since the last message, if there was one.
    pub fn elapsed_ms(&self, now: Timestamp) -> Option<u64> {
        let last = self.0.load(Ordering::Relaxed);
        (last != NEVER).then(|| u64::try_from(now.0.saturating_sub(last)).unwrap_or(0))
    }
}
