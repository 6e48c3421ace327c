//! What the queues send, and which of it failed.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use serde_json::{Value, json};
use shared::ports::{Delivery, Receipt};

use super::UnknownEvent;

/// The messages of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The messages that can be handled, in order.
    pub deliveries: Vec<Delivery>,
    /// The ids of those that cannot: they fail, and become dead letters.
    pub unreadable: Vec<String>,
    /// The trace that a batch of one message came with, in the form of `X-Amzn-Trace-Id`.
    pub trace: Option<String>,
}

impl Batch {
    /// Reads an event of a queue.
    ///
    /// An event that is no batch fails as a whole; a record without what SQS promises fails alone.
    pub fn of(event: Value) -> Result<Self, UnknownEvent> {
        if !event.get("Records").is_some_and(Value::is_array) {
            return Err(UnknownEvent("it has no Records"));
        }
        let event: SqsEvent = serde_json::from_value(event)
            .map_err(|_| UnknownEvent("its Records are not of SQS"))?;
        let mut batch = Self { deliveries: Vec::new(), unreadable: Vec::new(), trace: None };
        let alone = event.records.len() == 1;
        for record in event.records {
            if alone {
                batch.trace = record.attributes.get("AWSTraceHeader").cloned();
            }
            match delivery(record) {
                Ok(delivery) => batch.deliveries.push(delivery),
                Err(id) => batch.unreadable.push(id),
            }
        }
        Ok(batch)
    }
}

/// Writes which messages failed; all others are deleted by the event source mapping.
pub fn failures(ids: impl IntoIterator<Item = String>) -> Value {
    let failures: Vec<Value> = ids.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": failures })
}

/// Returns how long a worker may work, if Lambda ends it after `remaining`: some of it is kept for
/// the answer.
pub fn deadline(remaining: Duration) -> Duration {
    remaining.saturating_sub(MARGIN)
}

const MARGIN: Duration = Duration::from_secs(5);

/// Reads a record; one that cannot be read gives its id.
fn delivery(record: SqsMessage) -> Result<Delivery, String> {
    let SqsMessage { message_id, receipt_handle, body, mut attributes, .. } = record;
    let message_id = message_id.unwrap_or_default();
    let count = attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    match (attributes.remove("MessageGroupId"), receipt_handle, count) {
        (Some(group), Some(receipt), Some(receive_count)) => {
            let body = body.unwrap_or_default();
            let receipt = Receipt(receipt);
            Ok(Delivery { message_id, group, body, receive_count, receipt })
        }
        _ => Err(message_id),
    }
}
