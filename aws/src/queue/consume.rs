//! Receiving, deleting and redriving messages.
//!
//! In Lambda the event source mapping receives and deletes; this code is used by operators and
//! tests.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use shared::ports::{
    DeadLetter, Delivery, Durability, EventSource, OutgoingMessage, QueueError, Receipt,
};

use super::{SqsQueue, handle_error, unavailable};
use crate::call_error::CallError;

/// The largest number of messages in one receive.
pub(super) const MAX_BATCH: usize = 10;
/// How long [`EventSource::ready`] waits: SQS has no way to learn of messages but to receive them.
const POLL: Duration = Duration::from_secs(1);
/// How long dead letters are hidden while they are listed, redriven or dropped.
pub(super) const DEAD_LETTER_VISIBILITY: Duration = Duration::from_mins(2);

impl SqsQueue {
    /// Receives up to `max` messages, until the queue returns none. `visibility` overrides the
    /// queue's own visibility timeout.
    pub(super) async fn receive_from(
        &self,
        url: &str,
        max: usize,
        visibility: Option<Duration>,
    ) -> Result<Vec<Message>, QueueError> {
        let mut messages = Vec::new();
        while messages.len() < max {
            let most = MAX_BATCH.min(max - messages.len());
            let receive = self
                .client
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(i32::try_from(most).unwrap_or(1))
                .message_system_attribute_names(MessageSystemAttributeName::All)
                .wait_time_seconds(super::whole_seconds(self.wait))
                .set_visibility_timeout(visibility.map(super::whole_seconds));
            let received = receive
                .send()
                .await
                .map_err(|error| unavailable(CallError::from_sdk("sqs ReceiveMessage", &error)))?;
            let batch = received.messages.unwrap_or_default();
            if batch.is_empty() {
                break;
            }
            messages.extend(batch);
        }
        Ok(messages)
    }

    pub(super) async fn delete_from(&self, url: &str, receipt: &Receipt) -> Result<(), QueueError> {
        let delete = self.client.delete_message().queue_url(url).receipt_handle(&receipt.0);
        delete
            .send()
            .await
            .map(drop)
            .map_err(|error| handle_error(CallError::from_sdk("sqs DeleteMessage", &error)))
    }

    pub(super) fn dead_letter_url(&self) -> Result<&str, QueueError> {
        self.dead_letters
            .as_deref()
            .ok_or_else(|| QueueError::Refused("no dead-letter queue is configured".to_owned()))
    }

    /// Sends a dead letter back to its source queue, behind the newer messages, and then deletes
    /// it.
    ///
    /// In this order a crash in between leaves a duplicate rather than losing the message. The
    /// deduplication id derives from the dead letter, so SQS drops the duplicate of a redrive that
    /// is repeated within five minutes.
    pub(super) async fn send_to_source(
        &self,
        dead: &str,
        message: Message,
    ) -> Result<(), QueueError> {
        let receipt = receipt(&message);
        let trace = attribute(&message, &MessageSystemAttributeName::AwsTraceHeader);
        let delivery = delivery(message);
        let outgoing = OutgoingMessage {
            deduplication_id: format!("redrive-{}", delivery.message_id),
            group: delivery.group,
            body: delivery.body,
            durability: Durability::Synced,
        };
        self.send_to(&self.url, outgoing, trace).await?;
        self.delete_from(dead, &receipt).await
    }
}

#[async_trait]
impl EventSource for SqsQueue {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        let messages = self.receive_from(&self.url, max, None).await?;
        Ok(messages.into_iter().map(delivery).collect())
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        self.delete_from(&self.url, receipt).await
    }

    async fn ready(&self) {
        tokio::time::sleep(POLL).await;
    }

    /// Receives the dead letters and makes them visible again. Meanwhile other readers do not see
    /// them.
    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(self.list_dead_letters(limit).await?.into_iter().map(|(letter, _)| letter).collect())
    }

    async fn redrive(&self) -> Result<usize, QueueError> {
        Ok(self.redrive_dead_letters(None).await?.len())
    }
}

fn delivery(message: Message) -> Delivery {
    Delivery {
        group: attribute(&message, &MessageSystemAttributeName::MessageGroupId).unwrap_or_default(),
        receive_count: count(&message),
        receipt: receipt(&message),
        message_id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
    }
}

/// SQS counts this listing as a receive, so it is subtracted; earlier listings remain counted.
pub(super) fn dead_letter(message: Message) -> DeadLetter {
    let Delivery { message_id, group, body, receive_count, .. } = delivery(message);
    DeadLetter { message_id, group, body, receive_count: receive_count.saturating_sub(1) }
}

pub(super) fn receipt(message: &Message) -> Receipt {
    Receipt(message.receipt_handle.clone().unwrap_or_default())
}

fn count(message: &Message) -> u32 {
    let count = attribute(message, &MessageSystemAttributeName::ApproximateReceiveCount);
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

pub(super) fn sent_at(message: &Message) -> u64 {
    let sent = attribute(message, &MessageSystemAttributeName::SentTimestamp);
    sent.and_then(|sent| sent.parse().ok()).unwrap_or(u64::MAX)
}

fn attribute(message: &Message, name: &MessageSystemAttributeName) -> Option<String> {
    message.attributes.as_ref().and_then(|attributes| attributes.get(name)).cloned()
}
