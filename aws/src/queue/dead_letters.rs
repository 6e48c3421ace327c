//! Operations for operators: dead letters and the number of messages.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_sqs::types::{Message, QueueAttributeName};
use shared::domain::Timestamp;
use shared::ports::{DeadLetter, QueueError};

use super::consume::{DEAD_LETTER_VISIBILITY, MAX_BATCH, dead_letter, receipt, sent_at};
use super::{SqsQueue, unavailable};
use crate::call_error::CallError;

/// The approximate number of messages, as SQS counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepth {
    /// Messages waiting to be received.
    pub waiting: u64,
    /// Messages in flight.
    pub in_flight: u64,
    /// Messages in the dead-letter queue.
    pub dead: u64,
}

/// What to do with dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeadLetterAction {
    Redrive,
    Drop,
}

impl SqsQueue {
    /// Counts the messages of the queue and of its dead-letter queue.
    pub async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let [waiting, in_flight] = self.counts(&self.url).await?;
        let [dead, hidden] = self.counts(self.dead_letter_url()?).await?;
        Ok(QueueDepth { waiting, in_flight, dead: dead + hidden })
    }

    async fn counts(&self, url: &str) -> Result<[u64; 2], QueueError> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self
            .client
            .get_queue_attributes()
            .queue_url(url)
            .set_attribute_names(Some(names.to_vec()));
        let response = request
            .send()
            .await
            .map_err(|error| unavailable(CallError::from_sdk("sqs GetQueueAttributes", &error)))?;
        let attributes = response.attributes.unwrap_or_default();
        Ok(names
            .map(|name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or(0)))
    }

    /// Lists up to `limit` dead letters with the times at which they were sent, oldest first.
    ///
    /// Meanwhile other readers do not see them. SQS returns at most the ten oldest of a group.
    pub async fn list_dead_letters(
        &self,
        limit: usize,
    ) -> Result<Vec<(DeadLetter, Timestamp)>, QueueError> {
        let url = self.dead_letter_url()?;
        let mut messages = self.receive_from(url, limit, Some(DEAD_LETTER_VISIBILITY)).await?;
        self.release(url, &messages).await?;
        messages.sort_by_key(sent_at);
        let with_time = |message: Message| {
            let sent = Timestamp(i64::try_from(sent_at(&message)).unwrap_or(i64::MAX));
            (dead_letter(message), sent)
        };
        Ok(messages.into_iter().map(with_time).collect())
    }

    /// Sends the dead letters with these ids, or all of them, back to the source queue, in the
    /// order of their groups. Unknown ids are skipped. Returns the ids that were found.
    pub async fn redrive_dead_letters(
        &self,
        ids: Option<&[String]>,
    ) -> Result<Vec<String>, QueueError> {
        self.take(ids, DeadLetterAction::Redrive).await
    }

    /// Deletes the dead letters with these ids, or all of them. Returns the ids that were found.
    pub async fn drop_dead_letters(
        &self,
        ids: Option<&[String]>,
    ) -> Result<Vec<String>, QueueError> {
        self.take(ids, DeadLetterAction::Drop).await
    }

    async fn take(
        &self,
        ids: Option<&[String]>,
        action: DeadLetterAction,
    ) -> Result<Vec<String>, QueueError> {
        let url = self.dead_letter_url()?;
        let wanted: Option<HashSet<&str>> = ids.map(|ids| ids.iter().map(String::as_str).collect());
        let mut taken = Vec::new();
        let mut left = Vec::new();
        while wanted.as_ref().is_none_or(|wanted| taken.len() < wanted.len()) {
            let messages = self.receive_from(url, MAX_BATCH, Some(DEAD_LETTER_VISIBILITY)).await?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let id = message.message_id.clone().unwrap_or_default();
                if wanted.as_ref().is_some_and(|wanted| !wanted.contains(id.as_str())) {
                    left.push(message);
                    continue;
                }
                match action {
                    DeadLetterAction::Redrive => self.send_to_source(url, message).await?,
                    DeadLetterAction::Drop => self.delete_from(url, &receipt(&message)).await?,
                }
                taken.push(id);
            }
        }
        self.release(url, &left).await?;
        Ok(taken)
    }

    /// Makes messages visible again at once.
    async fn release(&self, url: &str, messages: &[Message]) -> Result<(), QueueError> {
        for message in messages {
            self.change_visibility_in(url, &receipt(message), Duration::ZERO).await?;
        }
        Ok(())
    }
}
