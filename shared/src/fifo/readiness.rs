//! Waiting until a queue may have something.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Moment;

/// When a queue has something to hand out, unless something else happens before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It has something now.
    Now,
    /// The first visibility timeout ends then.
    At(Moment),
    /// Nothing is under way.
    Never,
}

/// A queue's clock, and the news of what it can hand out.
#[derive(Debug)]
pub struct Readiness {
    origin: Instant,
    next: watch::Sender<Availability>,
}

impl Readiness {
    /// Starts the queue's clock.
    pub fn new() -> Self {
        Self { origin: Instant::now(), next: watch::Sender::new(Availability::Never) }
    }

    /// Returns the time on the queue's clock.
    pub fn now(&self) -> Moment {
        self.origin.elapsed()
    }

    /// Tells those who wait what comes next.
    pub fn publish(&self, next: Availability) {
        self.next.send_if_modified(|present| std::mem::replace(present, next) != next);
    }

    /// Tells whether the queue may have something now.
    pub fn is_ready(&self) -> bool {
        match *self.next.borrow() {
            Availability::Now => true,
            Availability::At(moment) => moment <= self.now(),
            Availability::Never => false,
        }
    }

    /// Returns when the queue may have something.
    pub async fn wait(&self) {
        let mut news = self.next.subscribe();
        loop {
            let next = *news.borrow_and_update();
            let end = match next {
                Availability::Now => return,
                Availability::At(moment) => Some(self.origin + moment),
                Availability::Never => None,
            };
            tokio::select! {
                biased;
                () = until(end) => return,
                changed = news.changed() => if changed.is_err() { return },
            }
        }
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

async fn until(end: Option<Instant>) {
    match end {
        // A timer ends on the millisecond after its time at the latest; a millisecond more spares a
        // second round.
        Some(end) => tokio::time::sleep_until(end + Duration::from_millis(1)).await,
        None => std::future::pending().await,
    }
}
