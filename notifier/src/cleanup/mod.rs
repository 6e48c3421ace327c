//! What nobody else finishes. Scheduled every five minutes; safe to run at any time and twice at once.

mod sessions;
mod turns;

use shared::domain::SessionKey;
use shared::ports::store::Item;
use shared::protocol::keys::META;

use crate::error::NotifierError;
use crate::handler::Notifier;

/// How many due items one pass looks at.
const PAGE: usize = 100;
/// How many pages one run goes through at most.
const PAGES: usize = 50;

/// What a run found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
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

impl Notifier {
    /// Deals with everything that is due.
    pub async fn clean_up(&self) -> Result<Report, NotifierError> {
        let mut report = Report::default();
        for _ in 0..PAGES {
            let due = self.ports.store.due(self.ports.clock.now(), PAGE).await?;
            let (found, failures) = (due.len(), report.failures);
            for item in due {
                self.clean(item, &mut report).await;
            }
            // A page that failed as a whole would be read again for ever.
            if found < PAGE || report.failures - failures == found {
                break;
            }
        }
        Ok(report)
    }

    async fn clean(&self, item: Item, report: &mut Report) {
        let Ok(key) = SessionKey::parse(item.key.partition.clone()) else { return };
        let result = match item.key.sort.as_str() {
            META => self.clean_session(&key, item, report).await,
            _ => self.clean_turn(&key, item, report).await,
        };
        if let Err(error) = result {
            report.failures += 1;
            tracing::warn!(session.id = %key, error = &error as &dyn std::error::Error, "the cleanup will try again");
        }
    }
}
