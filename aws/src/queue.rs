//! FIFO queues on SQS.

mod consume;
mod dead_letters;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
use shared::limits::check_message;
use shared::ports::{OutgoingMessage, Queue, QueueError, Receipt};

use crate::call_error::CallError;
use crate::sdk::{Sdk, Service};
use crate::trace;

pub use dead_letters::QueueDepth;

/// The longest visibility timeout.
const MAX_VISIBILITY: Duration = Duration::from_hours(12);
/// The longest wait of a receive. It must stay below the timeout of a call.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// Error codes for a receipt handle that is not the message's newest, or not a handle at all.
const STALE_RECEIPT_CODES: [&str; 6] = [
    "ReceiptHandleIsInvalid",
    "MessageNotInflight",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "AWS.SimpleQueueService.MessageNotInflight",
    "MissingParameter",
];
/// Error codes for messages that SQS never accepts.
const REFUSED_CODES: [&str; 3] =
    ["InvalidMessageContents", "InvalidParameterValue", "InvalidParameterValueException"];

/// A FIFO queue, with its dead-letter queue if one is set.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
    dead_letters: Option<String>,
    wait: Duration,
}

impl SqsQueue {
    /// Creates the adapter for a queue's URL. Makes no call.
    pub fn new(sdk: &Sdk, url: impl Into<String>) -> Self {
        let client = Client::new(&sdk.config(Service::Sqs));
        Self { client, url: url.into(), dead_letters: None, wait: Duration::ZERO }
    }

    /// Sets the URL of the dead-letter queue, which only operators need.
    #[must_use]
    pub fn with_dead_letters(mut self, url: impl Into<String>) -> Self {
        self.dead_letters = Some(url.into());
        self
    }

    /// Makes every receive wait for messages (long polling), at most 2 s. Without a wait, SQS asks
    /// only some of its servers and may miss messages.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait.min(MAX_WAIT);
        self
    }

    /// Sends a message to the queue with this URL, with a trace header if there is one.
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
            let error = CallError::from_sdk("sqs SendMessage", &error);
            if is(&error, &REFUSED_CODES) {
                QueueError::Refused(error.to_string())
            } else {
                unavailable(error)
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
        changed.map(drop).map_err(|error| {
            handle_error(CallError::from_sdk("sqs ChangeMessageVisibility", &error))
        })
    }
}

/// Returns the time in whole seconds, rounded up so that no message reappears too early.
fn whole_seconds(span: Duration) -> i32 {
    let span = span.min(MAX_VISIBILITY);
    let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn trace_attribute(header: String) -> Option<MessageSystemAttributeValue> {
    MessageSystemAttributeValue::builder().data_type("String").string_value(header).build().ok()
}

/// Maps the error of a call that takes a receipt handle: its only input that can be wrong is the
/// handle.
fn handle_error(error: CallError) -> QueueError {
    if is(&error, &STALE_RECEIPT_CODES) { QueueError::StaleReceipt } else { unavailable(error) }
}

fn is(error: &CallError, codes: &[&str]) -> bool {
    error.code().is_some_and(|code| codes.contains(&code))
}

fn unavailable(error: CallError) -> QueueError {
    QueueError::Unavailable(error.into())
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
