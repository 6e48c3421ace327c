//! SQS batches, and their failed messages.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use serde_json::{Value, json};
use shared::ports::{Delivery, Receipt};

use super::UnsupportedEvent;

/// The messages of one SQS event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsBatch {
    /// The messages that could be read, in order.
    pub deliveries: Vec<Delivery>,
    /// The ids of those that could not. They are reported as failed and become dead letters.
    pub unreadable: Vec<String>,
    /// The trace header of a batch with one message, in the form of `X-Amzn-Trace-Id`. Several
    /// messages may belong to different traces.
    pub trace: Option<String>,
}

impl SqsBatch {
    /// Reads an event of SQS.
    ///
    /// An event that is not a batch fails as a whole; a record without the required attributes
    /// fails alone.
    pub fn from_event(event: Value) -> Result<Self, UnsupportedEvent> {
        if !event.get("Records").is_some_and(Value::is_array) {
            return Err(UnsupportedEvent("it has no Records"));
        }
        let event: SqsEvent = serde_json::from_value(event)
            .map_err(|_| UnsupportedEvent("its Records are not SQS messages"))?;
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

/// Reports the messages that failed. The event source mapping deletes all others; the failed ones
/// are delivered again after their visibility timeout.
pub fn batch_item_failures(ids: impl IntoIterator<Item = String>) -> Value {
    let failures: Vec<Value> = ids.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": failures })
}

/// Returns how long a handler may work if Lambda ends the invocation after `remaining`. The margin
/// is for the response: without one, the whole batch would be delivered again.
pub fn work_time(remaining: Duration) -> Duration {
    remaining.saturating_sub(MARGIN)
}

const MARGIN: Duration = Duration::from_secs(5);

/// Reads a record; the error is the id of one that cannot be read.
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
