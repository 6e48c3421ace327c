//! What an operator does with dead letters, and how much waits.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_sqs::types::{Message, QueueAttributeName};
use shared::domain::Timestamp;
use shared::ports::{DeadLetter, QueueError};

use super::consume::{BATCH, HELD, dead_letter, receipt, sent_at};
use super::{SqsQueue, unavailable};
use crate::fault::Fault;

/// How much a queue holds, roughly: SQS counts what it has told its servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepth {
    /// Messages that wait.
    pub waiting: u64,
    /// Messages that are being handled.
    pub in_flight: u64,
    /// Dead letters.
    pub dead: u64,
}

/// What is done with a dead letter that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Back,
    Out,
}

impl SqsQueue {
    /// Counts what waits here, and the dead letters.
    pub async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let [waiting, in_flight] = self.counts(&self.url).await?;
        let [dead, held] = self.counts(self.dead_letter_url()?).await?;
        Ok(QueueDepth { waiting, in_flight, dead: dead + held })
    }

    async fn counts(&self, url: &str) -> Result<[u64; 2], QueueError> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let asked = self
            .client
            .get_queue_attributes()
            .queue_url(url)
            .set_attribute_names(Some(names.to_vec()));
        let answer = asked
            .send()
            .await
            .map_err(|error| unavailable(Fault::of("sqs GetQueueAttributes", &error)))?;
        let attributes = answer.attributes.unwrap_or_default();
        Ok(names
            .map(|name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or(0)))
    }

    /// Lists dead letters with the times at which they were sent, oldest first, at most `limit`.
    ///
    /// While it looks, nobody else sees them. Of one group SQS shows the ten oldest.
    pub async fn letters(&self, limit: usize) -> Result<Vec<(DeadLetter, Timestamp)>, QueueError> {
        let url = self.dead_letter_url()?;
        let mut messages = self.receive_from(url, limit, Some(HELD)).await?;
        self.give_back(url, &messages).await?;
        messages.sort_by_key(sent_at);
        let with_time = |message: Message| {
            let sent = Timestamp(i64::try_from(sent_at(&message)).unwrap_or(i64::MAX));
            (dead_letter(message), sent)
        };
        Ok(messages.into_iter().map(with_time).collect())
    }

    /// Sends these dead letters back, or all of them, in the order of their groups; absent ones are
    /// passed over.
    /// Returns those that were there.
    pub async fn redrive_only(&self, ids: Option<&[String]>) -> Result<Vec<String>, QueueError> {
        self.take(ids, Way::Back).await
    }

    /// Removes these dead letters for good, or all of them. Returns those that were there.
    pub async fn drop_only(&self, ids: Option<&[String]>) -> Result<Vec<String>, QueueError> {
        self.take(ids, Way::Out).await
    }

    async fn take(&self, ids: Option<&[String]>, way: Way) -> Result<Vec<String>, QueueError> {
        let url = self.dead_letter_url()?;
        let wanted: Option<HashSet<&str>> = ids.map(|ids| ids.iter().map(String::as_str).collect());
        let mut taken = Vec::new();
        let mut left = Vec::new();
        while wanted.as_ref().is_none_or(|wanted| taken.len() < wanted.len()) {
            let messages = self.receive_from(url, BATCH, Some(HELD)).await?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let id = message.message_id.clone().unwrap_or_default();
                if wanted.as_ref().is_some_and(|wanted| !wanted.contains(id.as_str())) {
                    left.push(message);
                    continue;
                }
                match way {
                    Way::Back => self.send_back(url, message).await?,
                    Way::Out => self.delete_from(url, &receipt(&message)).await?,
                }
                taken.push(id);
            }
        }
        self.give_back(url, &left).await?;
        Ok(taken)
    }

    /// Shows messages again to whoever looks next.
    async fn give_back(&self, url: &str, messages: &[Message]) -> Result<(), QueueError> {
        for message in messages {
            self.change_visibility_in(url, &receipt(message), Duration::ZERO).await?;
        }
        Ok(())
    }
}
