//! A FIFO queue.

use std::time::Duration;

use async_trait::async_trait;

/// The largest message body, in bytes: SQS's 1 MiB.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// When a write or a send is acknowledged.
///
/// Adapters for services acknowledge only what is durable, and ignore this.
/// An adapter with one ordered log for the store and the queues may acknowledge an `Ordered` act
/// before its fsync: a crash may then undo it, but only together with all acts acknowledged after
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Acknowledged when it and all before it survive a loss of power.
    Synced,
    /// Acknowledged when it is visible; durable at the latest when a later `Synced` act is.
    Ordered,
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The message group: messages of one group are handed out in order, one batch at a time.
    pub group: String,
    /// Within five minutes a second message with this id is accepted and dropped.
    pub deduplication_id: String,
    /// The body: 1 byte to [`MAX_BODY_BYTES`], only characters that SQS carries.
    pub body: String,
    /// When the send is acknowledged.
    pub durability: Durability,
}

/// The handle of one receive of one message; a later receive makes it stale.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt(pub String);

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue's own id of the message.
    pub message_id: String,
    /// Its group.
    pub group: String,
    /// Its body.
    pub body: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// The handle of this receive.
    pub receipt: Receipt,
}

/// The reason why a queue did not take a call.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Throttled or away: trying again may help. A send may have been applied.
    #[error("the queue is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The handle is not the message's newest, or the message is gone.
    #[error("the receipt handle is stale")]
    StaleReceipt,
    /// The message can never be sent: its size or a character.
    #[error("the message cannot be sent: {0}")]
    Refused(String),
}

/// What handlers do with a queue.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Appends a message to its group.
    ///
    /// After an error the message may be in the queue all the same; sending it again is safe.
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError>;

    /// Hides a received message for `visibility` from now on, at most 12 hours.
    ///
    /// Zero makes it available again at once. The group stays locked meanwhile.
    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError>;
}

/// A message that was received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The queue's own id of the message.
    pub message_id: String,
    /// Its group.
    pub group: String,
    /// Its body.
    pub body: String,
    /// How often it was received.
    pub receive_count: u32,
}

/// What an event source mapping does with a queue.
///
/// At least once, in order within a group: while a message of a group is in flight, no other of
/// that group is handed out, except later ones in the same receive.
/// A message received `maxReceiveCount` times moves to the dead-letter queue instead of being
/// received again.
#[async_trait]
pub trait EventSource: Queue {
    /// Receives up to `max` messages that are available now, none if there are none.
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError>;

    /// Deletes a received message.
    ///
    /// A stale handle is refused and deletes nothing; a message that is gone already is Ok.
    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError>;

    /// Returns when something may have become available. May return early.
    async fn ready(&self);

    /// Lists the dead letters, oldest first, at most `limit`.
    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError>;

    /// Moves all dead letters back, behind the newer messages, each with a new id and no receives.
    ///
    /// Returns how many were moved.
    async fn redrive(&self) -> Result<usize, QueueError>;
}
