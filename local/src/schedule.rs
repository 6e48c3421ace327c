//! Periodic jobs.

use std::future::Future;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Runs `work` at once and then every `period`, until `stop` turns true.
///
/// A run that takes longer than the period delays the next one; runs never overlap.
pub async fn run_periodically<Work, Done>(period: Duration, stop: CancellationToken, work: Work)
where
    Work: Fn() -> Done,
    Done: Future<Output = ()>,
{
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = ticks.tick() => work().await,
        }
    }
}
