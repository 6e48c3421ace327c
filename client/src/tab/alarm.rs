//! The tab's one timer.

use std::future::pending;
use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is moved only forwards in urgency: it may ring early, and never late.
///
/// Each frame moves deadlines away; setting the timer anew each time would cost more than one early
/// ring.
#[derive(Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    armed: bool,
}

impl Alarm {
    /// Makes it ring at `at`, or before.
    pub(super) fn no_later_than(&mut self, at: Option<Instant>) {
        let Some(at) = at else { return };
        match &mut self.sleep {
            Some(sleep) if self.armed && sleep.deadline() <= at => {}
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(sleep_until(at))),
        }
        self.armed = true;
    }

    /// Waits for the ring. Cancel-safe.
    pub(super) async fn ring(&mut self) {
        match &mut self.sleep {
            Some(sleep) if self.armed => sleep.as_mut().await,
            _ => pending().await,
        }
        self.armed = false;
    }
}
