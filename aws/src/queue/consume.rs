//! Receiving, deleting and redriving: what Lambda does by itself, and what an operator does with
//! dead letters.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use shared::ports::{
    DeadLetter, Delivery, Durability, EventSource, OutgoingMessage, QueueError, Receipt,
};

use super::{SqsQueue, handle_error, unavailable};
use crate::fault::Fault;

/// The largest number of messages in one receive.
pub(super) const BATCH: usize = 10;
/// How long [`EventSource::ready`] waits before it says "maybe": SQS tells nobody who does not
/// receive.
const POLL: Duration = Duration::from_secs(1);
/// How long dead letters are hidden while they are listed or moved.
pub(super) const HELD: Duration = Duration::from_mins(2);

impl SqsQueue {
    /// Receives until there is nothing more or `max` are there; `held` goes before the queue's own
    /// timeout.
    pub(super) async fn receive_from(
        &self,
        url: &str,
        max: usize,
        held: Option<Duration>,
    ) -> Result<Vec<Message>, QueueError> {
        let mut messages = Vec::new();
        while messages.len() < max {
            let most = BATCH.min(max - messages.len());
            let receive = self
                .client
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(i32::try_from(most).unwrap_or(1))
                .message_system_attribute_names(MessageSystemAttributeName::All)
                .wait_time_seconds(super::whole_seconds(self.wait))
                .set_visibility_timeout(held.map(super::whole_seconds));
            let received = receive
                .send()
                .await
                .map_err(|error| unavailable(Fault::of("sqs ReceiveMessage", &error)))?;
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
            .map_err(|error| handle_error(Fault::of("sqs DeleteMessage", &error)))
    }

    pub(super) fn dead_letter_url(&self) -> Result<&str, QueueError> {
        self.dead_letters
            .as_deref()
            .ok_or_else(|| QueueError::Refused("no queue of dead letters is named".to_owned()))
    }

    /// Sends a dead letter behind the newer messages, and only then deletes it.
    ///
    /// The deduplication id is the dead letter's own, so that a redrive that died in between
    /// repeats nothing.
    pub(super) async fn send_back(&self, dead: &str, message: Message) -> Result<(), QueueError> {
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

    /// Receives the dead letters and gives them back: whoever else looks meanwhile does not see
    /// them.
    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(self.letters(limit).await?.into_iter().map(|(letter, _)| letter).collect())
    }

    async fn redrive(&self) -> Result<usize, QueueError> {
        Ok(self.redrive_only(None).await?.len())
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

/// SQS counts looks as receives: this one is taken off, earlier ones stay.
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
