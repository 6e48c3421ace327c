//! What runs on a schedule: the cleanup every five minutes, the table's own expiry, occasional
//! redrives.

use std::sync::Arc;
use std::time::Duration;

use shared::ports::EventSource as _;
use tokio::time::sleep;

use super::Platform;
use crate::faults::{ExternalFault, Subject};

/// How often the cleanup is scheduled.
const CLEANUP_EVERY: Duration = Duration::from_mins(5);
/// How often connections are looked at that are too old or too quiet.
const LIMITS_EVERY: Duration = Duration::from_secs(1);
const PURGED_AT_ONCE: usize = 1_000;

impl Platform {
    /// Runs the cleanup as it is scheduled, for ever.
    pub async fn drive_cleanup(self: Arc<Self>) {
        loop {
            sleep(CLEANUP_EVERY).await;
            self.clean_up().await;
        }
    }

    /// Closes connections as API Gateway does, after two hours and after ten idle minutes, for
    /// ever.
    pub async fn drive_limits(self: Arc<Self>) {
        loop {
            sleep(LIMITS_EVERY).await;
            self.cloud.network.cut_overdue();
        }
    }

    /// Runs the cleanup, the expiry and redrives at random times, as long as random faults are
    /// active.
    pub async fn drive_irregular_events(self: Arc<Self>) {
        let faults = Arc::clone(&self.cloud.faults);
        while faults.is_active() {
            sleep(faults.span(Duration::from_secs(5), Duration::from_mins(1))).await;
            if faults.occurs(ExternalFault::CleanedUp, &Subject::Nobody) {
                self.clean_up().await;
            }
            if faults.occurs(ExternalFault::Purged, &Subject::Nobody) {
                self.cloud.store.purge_expired(PURGED_AT_ONCE);
            }
            if faults.occurs(ExternalFault::Redriven, &Subject::Nobody) {
                self.redrive().await;
            }
        }
    }

    /// Moves all dead letters back; returns how many.
    pub async fn redrive(&self) -> usize {
        let mut moved = 0;
        for queue in [&self.cloud.requests, &self.cloud.replies] {
            let dead = queue.dead_letters(usize::MAX).await.unwrap_or_default();
            for letter in &dead {
                self.cloud.faults.tally().event("dead letters");
                self.cloud.checker.dead_lettered(&letter.body);
            }
            moved += queue.redrive().await.unwrap_or(0);
        }
        moved
    }
}
