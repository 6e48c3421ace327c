//! How many messages are on their way, and how fast they follow each other: live users come first.

use std::time::Duration;

use tokio::time::Instant;

/// A live request that waits longer than this makes the batch smaller.
const WAITS_TOO_LONG_MS: u64 = 1_000;

/// Somebody who sent a message so lately is likely to send another.
const LATELY_MS: u64 = 5_000;
/// How many messages may be on their way while people chat.
const BESIDE_PEOPLE: usize = 1;

/// How many messages may be on their way.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConcurrencyWindow {
    most: usize,
    now: usize,
}

impl ConcurrencyWindow {
    /// Begins with the most.
    pub(super) fn new(most: usize) -> Self {
        Self { most, now: most }
    }

    /// Returns how many there may be now.
    pub(super) fn size(self) -> usize {
        self.now
    }

    /// Halves while somebody waits, and is small while people chat; grows back step by step when
    /// nobody does.
    ///
    /// `live_ms` tells how long ago a person sent the last message, where that is known.
    pub(super) fn heard(&mut self, oldest_waiting_ms: u64, live_ms: Option<u64>) {
        self.now = if oldest_waiting_ms > WAITS_TOO_LONG_MS {
            (self.now / 2).max(1)
        } else if live_ms.is_some_and(|ago| ago < LATELY_MS) {
            self.most.min(BESIDE_PEOPLE)
        } else {
            (self.now + self.most.div_ceil(4)).min(self.most)
        };
    }
}

/// A rate of messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct RateLimit {
    every: Duration,
    next: Instant,
}

impl RateLimit {
    /// Begins now.
    pub(super) fn new(per_second: f64) -> Self {
        Self { every: Duration::from_secs_f64(1.0 / per_second), next: Instant::now() }
    }

    /// Takes the leave to send one, if it is time.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        // What was not used is not saved up for more than a moment: a burst is no rate.
        self.next =
            (self.next + self.every).max(now.checked_sub(Duration::from_secs(1)).unwrap_or(now));
        true
    }

    /// Returns how long until the next may go.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.next.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_makes_room_while_somebody_waits() {
        let mut window = ConcurrencyWindow::new(16);
        (0..3).for_each(|_| window.heard(5_000, None));
        assert_eq!(window.size(), 2);
        (0..5).for_each(|_| window.heard(5_000, Some(0)));
        assert_eq!(window.size(), 1);
        (0..4).for_each(|_| window.heard(0, None));
        assert_eq!(window.size(), 16);
        window.heard(0, Some(100));
        assert_eq!(window.size(), 1);
        (0..4).for_each(|_| window.heard(0, Some(60_000)));
        assert_eq!(window.size(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept() {
        let mut rate = RateLimit::new(10.0);
        let mut sent = 0;
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            if rate.take(Instant::now()) {
                sent += 1;
            } else {
                tokio::time::sleep(rate.wait(Instant::now())).await;
            }
        }
        assert!((49..=51).contains(&sent), "{sent}");
    }
}
