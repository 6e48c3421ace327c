//! Periodic jobs.

use std::future::Future;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::stop::{Stop, stopped};

/// Runs `work` at once and then every `period`, until `stop` turns true.
///
/// A run that takes longer than the period delays the next one; runs never overlap.
pub async fn run_periodically<Work, Done>(period: Duration, mut stop: Stop, work: Work)
where
    Work: Fn() -> Done,
    Done: Future<Output = ()>,
{
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            _ = ticks.tick() => work().await,
        }
    }
}
