//! Why a message is reported as failed.

use shared::ports::{QueueError, StoreError};
use shared::queue_messages::BodyError;

/// The reason why a message is not acknowledged.
///
/// In every case the queue delivers the message again, which the turn protocol makes safe.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The body cannot be read. After `maxReceiveCount` deliveries it becomes a dead letter.
    #[error("the request cannot be read")]
    Body(#[from] BodyError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A queue failed.
    #[error("the queue failed")]
    Queue(#[from] QueueError),
    /// Another worker has started a later generation of the turn.
    #[error("another worker has the turn")]
    Fenced,
    /// The time for one delivery is used up.
    #[error("the deadline passed before the turn ended")]
    Deadline,
    /// The claim was refused every time, or was lost in a crash before it was durable.
    #[error("the turn could not be claimed")]
    Unclaimed,
    /// The prompt could not be rendered.
    #[error("the prompt template failed")]
    Prompt(#[from] minijinja::Error),
}
