//! The FIFO queues, on SQS.

mod consume;
mod letters;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
use shared::memory::limits::check_message;
use shared::ports::{OutgoingMessage, Queue, QueueError, Receipt};

use crate::fault::Fault;
use crate::sdk::{Sdk, Service};
use crate::trace;

pub use letters::QueueDepth;

/// The longest visibility timeout.
const MAX_VISIBILITY: Duration = Duration::from_hours(12);
/// The longest wait of a receive; the timeout of a call is longer.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// What SQS says about handles that are not a message's newest, or no handles at all.
const STALE: [&str; 6] = [
    "ReceiptHandleIsInvalid",
    "MessageNotInflight",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "AWS.SimpleQueueService.MessageNotInflight",
    "MissingParameter",
];
/// What SQS says about messages that it can never carry.
const REFUSED: [&str; 3] =
    ["InvalidMessageContents", "InvalidParameterValue", "InvalidParameterValueException"];

/// One FIFO queue, and its dead letters where they are named.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
    dead_letters: Option<String>,
    wait: Duration,
}

impl SqsQueue {
    /// Takes the queue's URL.
    pub fn new(sdk: &Sdk, url: impl Into<String>) -> Self {
        let client = Client::new(&sdk.config(Service::Sqs));
        Self { client, url: url.into(), dead_letters: None, wait: Duration::ZERO }
    }

    /// Names the queue that this one's dead letters go to; only an operator needs it.
    #[must_use]
    pub fn with_dead_letters(mut self, url: impl Into<String>) -> Self {
        self.dead_letters = Some(url.into());
        self
    }

    /// Makes every receive wait for messages, at most 2 s; with no wait at all SQS asks some of its
    /// servers only.
    #[must_use]
    pub fn waiting(mut self, wait: Duration) -> Self {
        self.wait = wait.min(MAX_WAIT);
        self
    }

    /// Sends to a queue, with the trace of whoever sends or the one that is given.
    async fn send_to(
        &self,
        url: &str,
        message: OutgoingMessage,
        trace: Option<String>,
    ) -> Result<(), QueueError> {
        let mut send = self
            .client
            .send_message()
            .queue_url(url)
            .message_group_id(message.group)
            .message_deduplication_id(message.deduplication_id)
            .message_body(message.body);
        if let Some(header) = trace.and_then(trace_attribute) {
            send = send.message_system_attributes(
                MessageSystemAttributeNameForSends::AwsTraceHeader,
                header,
            );
        }
        send.send().await.map(drop).map_err(|error| {
            let fault = Fault::of("sqs SendMessage", &error);
            if is(&fault, &REFUSED) {
                QueueError::Refused(fault.to_string())
            } else {
                unavailable(fault)
            }
        })
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        check_message(&message.group, &message.deduplication_id, &message.body)?;
        self.send_to(&self.url, message, trace::current()).await
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        self.change_visibility_in(&self.url, receipt, visibility).await
    }
}

impl SqsQueue {
    async fn change_visibility_in(
        &self,
        url: &str,
        receipt: &Receipt,
        span: Duration,
    ) -> Result<(), QueueError> {
        let change =
            self.client.change_message_visibility().queue_url(url).receipt_handle(&receipt.0);
        let changed = change.visibility_timeout(whole_seconds(span)).send().await;
        changed
            .map(drop)
            .map_err(|error| handle_error(Fault::of("sqs ChangeMessageVisibility", &error)))
    }
}

/// Returns the span in seconds, rounded up: zero stays zero, and nothing comes back too early.
fn whole_seconds(span: Duration) -> i32 {
    let span = span.min(MAX_VISIBILITY);
    let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn trace_attribute(header: String) -> Option<MessageSystemAttributeValue> {
    MessageSystemAttributeValue::builder().data_type("String").string_value(header).build().ok()
}

/// Sorts an error of a call that takes a handle: whatever is wrong with its input is the handle.
fn handle_error(fault: Fault) -> QueueError {
    if is(&fault, &STALE) { QueueError::StaleReceipt } else { unavailable(fault) }
}

fn is(fault: &Fault, codes: &[&str]) -> bool {
    fault.code().is_some_and(|code| codes.contains(&code))
}

fn unavailable(fault: Fault) -> QueueError {
    QueueError::Unavailable(fault.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visibility_is_rounded_up_and_bounded() {
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(155)), 155);
        assert_eq!(whole_seconds(Duration::from_hours(100)), 43_200);
    }
}
