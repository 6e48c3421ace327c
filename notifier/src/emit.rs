//! Events, retried for at most two seconds.

use std::time::Duration;

use shared::ports::EventEntry;
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::NotifierError;
use crate::handler::Notifier;

const PUBLISH_TIMEOUT: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The entries that the bus did not take in time.
#[derive(Debug)]
pub(crate) struct NotPublished(
    #[expect(dead_code, reason = "shown in a panic's or a test's message")] pub(crate) usize,
);

impl Notifier {
    /// Publishes up to ten events, trying again only with those that were not taken.
    pub(crate) async fn emit(&self, mut entries: Vec<EventEntry>) -> Result<(), NotPublished> {
        let deadline = Instant::now() + PUBLISH_TIMEOUT;
        let mut pause = FIRST_PAUSE;
        loop {
            match timeout_at(deadline, self.ports.events.put(&entries)).await {
                Ok(Ok(failed)) if failed.is_empty() => return Ok(()),
                Ok(Ok(failed)) => entries = keep(entries, &failed),
                Ok(Err(error)) => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "the event bus refused a call"
                    );
                }
                Err(_) => return Err(NotPublished(entries.len())),
            }
            if Instant::now() + pause >= deadline {
                return Err(NotPublished(entries.len()));
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    /// Publishes one event; failing, it is for the caller to bring it back.
    pub(crate) async fn emit_or_fail(&self, entry: EventEntry) -> Result<(), NotifierError> {
        self.emit(vec![entry]).await.map_err(|_| NotifierError::Event)
    }
}

fn keep(entries: Vec<EventEntry>, failed: &[usize]) -> Vec<EventEntry> {
    entries
        .into_iter()
        .enumerate()
        .filter(|(index, _)| failed.contains(index))
        .map(|(_, entry)| entry)
        .collect()
}
