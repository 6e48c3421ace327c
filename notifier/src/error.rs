//! Why a delivery is reported as failed.

use shared::ports::{QueueError, StoreError};
use shared::queue_messages::BodyError;

/// The reason why a delivery is not acknowledged: the queue delivers it again, which is safe.
///
/// A failed push is never among them, nor an event bus that is away while a final is delivered.
#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    /// The body cannot be read: after `maxReceiveCount` it is a dead letter.
    #[error("the reply cannot be read")]
    Body(#[from] BodyError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A queue failed.
    #[error("the queue failed")]
    Queue(#[from] QueueError),
    /// The event bus did not take an event: a verdict is delivered again, a final's event is left
    /// to the cleanup.
    #[error("the event was not taken")]
    Event,
}
