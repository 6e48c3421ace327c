//! What nobody else finishes. Scheduled every five minutes; safe to run at any time and twice at
//! once.

mod sessions;
mod turns;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use shared::domain::SessionKey;
use shared::ports::store::{Item, Key};
use shared::protocol::keys::META;

use crate::error::NotifierError;
use crate::handler::Notifier;

/// How many new due items one pass looks at, and how many of a session's rows one query reads.
const PAGE: usize = 100;
/// How many passes one run makes at most.
const PASSES: usize = 20;

/// What a run found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CleanupReport {
    /// Turns without a checkpoint for 15 minutes, ended.
    pub ended_turns: usize,
    /// Finals that were committed for 5 minutes, delivered.
    pub delivered_turns: usize,
    /// Sessions past their end, removed.
    pub expired_sessions: usize,
    /// Deletions that died, finished.
    pub finished_deletions: usize,
    /// Items that could not be dealt with; the next run tries again.
    pub failures: usize,
}

/// A run under way.
#[derive(Debug, Default)]
struct CleanupRun {
    report: CleanupReport,
    /// What was looked at, dealt with or not: it may stay due, and must not hide what is due later.
    seen: BTreeSet<Key>,
    /// Whether the event bus failed: it is not asked again, or each item would wait for it.
    bus_away: bool,
}

impl Notifier {
    /// Deals with everything that is due, the oldest first.
    pub async fn clean_up(&self) -> Result<CleanupReport, NotifierError> {
        self.clean_up_within(Duration::MAX).await
    }

    /// Deals with what is due, the oldest first, and begins nothing more after this time; what is
    /// left is for the next run.
    pub async fn clean_up_within(
        &self,
        available: Duration,
    ) -> Result<CleanupReport, NotifierError> {
        let began = self.ports.clock.now();
        let mut run = CleanupRun::default();
        for _ in 0..PASSES {
            let limit = PAGE + run.seen.len();
            let due = self.ports.store.due(self.ports.clock.now(), limit).await?;
            let found = due.len();
            for item in due {
                if self.ports.clock.now().since(began) >= available {
                    let report = run.report;
                    tracing::warn!(?report, "the cleanup ran out of time; the next run goes on");
                    return Ok(run.report);
                }
                if run.seen.insert(item.key.clone()) {
                    self.clean(item, &mut run).await;
                }
            }
            if found < limit {
                break;
            }
        }
        Ok(run.report)
    }

    async fn clean(&self, item: Item, run: &mut CleanupRun) {
        let Ok(key) = SessionKey::parse(item.key.partition.clone()) else { return };
        let result = match item.key.sort.as_str() {
            META => self.clean_session(&key, item, run).await,
            _ => self.clean_turn(&key, item, run).await,
        };
        if let Err(error) = result {
            run.report.failures += 1;
            run.bus_away |= matches!(error, NotifierError::Event);
            tracing::warn!(session.id = %key, error = &error as &dyn std::error::Error, "the \
                cleanup will try again");
        }
    }
}
