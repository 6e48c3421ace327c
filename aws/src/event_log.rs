//! The log group to which an EventBridge rule copies all events, read by operators.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use serde_json::Value;
use shared::domain::Timestamp;
use shared::operator::StoredEvent;

use crate::call_error::CallError;
use crate::sdk::{Sdk, Service};

/// The log group with the events of one stage.
#[derive(Debug, Clone)]
pub struct EventLog {
    client: Client,
    group: String,
}

/// One page of a log group.
#[derive(Debug)]
pub struct LogPage {
    /// The events in the order of their times, each with its id in the log group;
    /// [`StoredEvent::seq`] is the time.
    pub events: Vec<(String, StoredEvent)>,
    /// The token for the next page; `None` for the last one.
    pub next: Option<String>,
}

impl EventLog {
    /// Creates a reader of a log group. Makes no call.
    pub fn new(sdk: &Sdk, group: impl Into<String>) -> Self {
        Self { client: Client::new(&sdk.config(Service::Logs)), group: group.into() }
    }

    /// Reads one page of the events from `from` on and before `to`; `page` is the previous page's
    /// `next`.
    ///
    /// A page may be empty without being the last. Log lines that are not chat events are skipped.
    pub async fn read(
        &self,
        from: Timestamp,
        to: Option<Timestamp>,
        page: Option<String>,
    ) -> Result<LogPage, CallError> {
        let filter = self.client.filter_log_events().log_group_name(&self.group).start_time(from.0);
        // The service includes the end of the range.
        let filter = filter.set_end_time(to.map(|to| to.0 - 1)).set_next_token(page);
        let answer = filter
            .send()
            .await
            .map_err(|error| CallError::from_sdk("logs FilterLogEvents", &error))?;
        let events = answer.events.unwrap_or_default();
        Ok(LogPage {
            events: events.into_iter().filter_map(event).collect(),
            next: answer.next_token,
        })
    }
}

/// Reads an event from EventBridge's envelope.
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
