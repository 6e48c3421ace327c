//! Why a delivery is reported as failed.

use shared::ports::{QueueError, StoreError};
use shared::queue_messages::BodyError;

/// The reason why a delivery is not acknowledged.
///
/// Every one of them means: the queue delivers the message again, and the protocol makes that safe.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The body cannot be read: after `maxReceiveCount` it is a dead letter.
    #[error("the request cannot be read")]
    Body(#[from] BodyError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A queue failed.
    #[error("the queue failed")]
    Queue(#[from] QueueError),
    /// Another worker has the turn in a later generation.
    #[error("another worker has the turn")]
    Fenced,
    /// The time for one delivery is used up.
    #[error("the deadline came before the end of the turn")]
    Deadline,
    /// The claim was lost with the store's unsynced end, or never won.
    #[error("the turn could not be claimed")]
    Unclaimed,
    /// The prompt could not be made.
    #[error("the prompt template failed")]
    Prompt(#[from] minijinja::Error),
}
