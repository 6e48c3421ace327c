//! The event bus on EventBridge.

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use shared::ports::{EventEntry, Events, EventsError};

use crate::call_error::CallError;
use crate::sdk::{Sdk, Service};
use crate::trace;

/// The `source` of all events.
pub const SOURCE: &str = "learning-yogi.chatbot";
/// The largest number of entries in a call.
const MAX_ENTRIES: usize = 10;
/// The largest call, in bytes. The service accepts more by now, but its targets do not.
const MAX_CALL_BYTES: usize = 256 * 1024;

/// Publishes events to one bus.
#[derive(Debug, Clone)]
pub struct EventBridgeEvents {
    client: Client,
    bus: String,
}

/// An entry ready to be sent, with its index among the caller's entries.
struct PreparedEntry {
    index: usize,
    bytes: usize,
    entry: PutEventsRequestEntry,
}

impl EventBridgeEvents {
    /// Creates a publisher for a bus. Makes no call.
    pub fn new(sdk: &Sdk, bus: impl Into<String>) -> Self {
        Self { client: Client::new(&sdk.config(Service::EventBridge)), bus: bus.into() }
    }

    fn entry(&self, index: usize, event: &EventEntry) -> PreparedEntry {
        let detail = event.detail.to_string();
        let bytes = SOURCE.len() + event.detail_type.len() + detail.len();
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(event.detail_type)
            .detail(detail)
            .set_trace_header(trace::current())
            .build();
        PreparedEntry { index, bytes, entry }
    }

    /// Makes one call and returns the indices of the entries that failed.
    ///
    /// `PutEvents` is not atomic: a call that succeeds may still have rejected some of its entries.
    async fn call(&self, sent: Vec<PreparedEntry>) -> Result<Vec<usize>, CallError> {
        let (places, entries): (Vec<usize>, Vec<_>) =
            sent.into_iter().map(|sent| (sent.index, sent.entry)).unzip();
        let answer = self.client.put_events().set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| CallError::from_sdk("events PutEvents", &error))?;
        let results = answer.entries();
        let taken = |at: usize| results.get(at).is_some_and(|result| result.error_code().is_none());
        Ok(places
            .into_iter()
            .enumerate()
            .filter(|(at, _)| !taken(*at))
            .map(|(_, place)| place)
            .collect())
    }
}

#[async_trait]
impl Events for EventBridgeEvents {
    async fn put(&self, entries: &[EventEntry]) -> Result<Vec<usize>, EventsError> {
        if entries.len() > MAX_ENTRIES {
            return Err(EventsError("more than ten entries".into()));
        }
        let all = entries.iter().enumerate().map(|(index, event)| self.entry(index, event));
        // An entry that is too large fails alone; the others are published all the same.
        let (fitting, too_large): (Vec<_>, Vec<_>) =
            all.partition(|sent| sent.bytes <= MAX_CALL_BYTES);
        let mut failed: Vec<usize> = too_large.into_iter().map(|sent| sent.index).collect();
        for call in calls(fitting) {
            failed.extend(self.call(call).await.map_err(|error| EventsError(error.into()))?);
        }
        failed.sort_unstable();
        Ok(failed)
    }
}

/// Groups entries into as few calls as their sizes allow, in order.
fn calls(entries: Vec<PreparedEntry>) -> Vec<Vec<PreparedEntry>> {
    let mut calls = Vec::<Vec<PreparedEntry>>::new();
    let mut bytes = 0;
    for sent in entries {
        bytes += sent.bytes;
        match calls.last_mut() {
            Some(call) if bytes <= MAX_CALL_BYTES => call.push(sent),
            _ => {
                bytes = sent.bytes;
                calls.push(vec![sent]);
            }
        }
    }
    calls
}
