//! The log group that a rule copies the bus to, as an operator reads it.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use serde_json::Value;
use shared::domain::Timestamp;
use shared::operator::StoredEvent;

use crate::fault::Fault;
use crate::sdk::{Sdk, Service};

/// The events of one stage, where its deployment logs them.
#[derive(Debug, Clone)]
pub struct EventLog {
    client: Client,
    group: String,
}

/// One page of a log group.
#[derive(Debug)]
pub struct LogPage {
    /// Events with the log group's own id of each, in the order of their times;
    /// [`StoredEvent::seq`] is the time.
    pub events: Vec<(String, StoredEvent)>,
    /// What the next page is asked with; the last one has none.
    pub next: Option<String>,
}

impl EventLog {
    /// Takes the log group's name.
    pub fn new(sdk: &Sdk, group: impl Into<String>) -> Self {
        Self { client: Client::new(&sdk.config(Service::Logs)), group: group.into() }
    }

    /// Reads a page of what was logged from `from` on, and before `to` if there is one; `page` is
    /// the last one's `next`.
    ///
    /// A page may be empty and not the last. What is no event of ours is left out.
    pub async fn read(
        &self,
        from: Timestamp,
        to: Option<Timestamp>,
        page: Option<String>,
    ) -> Result<LogPage, Fault> {
        let filter = self.client.filter_log_events().log_group_name(&self.group).start_time(from.0);
        // The service's end is in the span.
        let filter = filter.set_end_time(to.map(|to| to.0 - 1)).set_next_token(page);
        let answer =
            filter.send().await.map_err(|error| Fault::of("logs FilterLogEvents", &error))?;
        let events = answer.events.unwrap_or_default();
        Ok(LogPage {
            events: events.into_iter().filter_map(event).collect(),
            next: answer.next_token,
        })
    }
}

/// Reads EventBridge's envelope.
fn event(logged: FilteredLogEvent) -> Option<(String, StoredEvent)> {
    let mut envelope: Value = serde_json::from_str(logged.message.as_deref()?).ok()?;
    let detail = envelope["detail"].take();
    let at = logged.timestamp?;
    let event = StoredEvent {
        seq: at,
        id: detail["metadata"]["id"].as_str()?.to_owned(),
        detail_type: envelope["detail-type"].as_str()?.to_owned(),
        detail,
        published_at: Timestamp(at),
    };
    Some((logged.event_id.unwrap_or_default(), event))
}
