//! What goes wrong with the queues.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::fifo::ReceiptHandle;
use shared::memory::MemoryQueue;
use shared::ports::{EventSource as _, OutgoingMessage, Queue, QueueError, Receipt};

/// How many receives of one queue a stale handle can lie behind: more than a run makes.
const RECEIVES: u64 = 2_000;

/// What a mutant does when a message is sent.
#[async_trait]
pub(super) trait QueueMutation: Send + Sync {
    /// Sends a message, or does something else instead.
    async fn send(&self, queue: &dyn Queue, message: OutgoingMessage) -> Result<(), QueueError>;
}

/// A queue with a mutation around it.
pub(super) struct MutantQueue {
    pub(super) inner: Arc<dyn Queue>,
    pub(super) mutation: Arc<dyn QueueMutation>,
}

#[async_trait]
impl Queue for MutantQueue {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        self.mutation.send(&*self.inner, message).await
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        self.inner.change_visibility(receipt, visibility).await
    }
}

/// 2: the caller takes a message for sent, whatever became of it.
pub(super) struct AcceptBeforeQueue;

#[async_trait]
impl QueueMutation for AcceptBeforeQueue {
    async fn send(&self, queue: &dyn Queue, message: OutgoingMessage) -> Result<(), QueueError> {
        let _ = queue.send(message).await;
        Ok(())
    }
}

/// 5: deletes a message by a stale handle. Handles are numbered, so a newer one is found by
/// counting on.
pub(super) async fn delete_by_stale(
    queue: &MemoryQueue,
    stale: &Receipt,
) -> Result<(), QueueError> {
    let ReceiptHandle { seq, receive } = ReceiptHandle::parse(stale)?;
    for newer in receive + 1..receive + RECEIVES {
        let handle = ReceiptHandle { seq, receive: newer };
        if queue.delete(&handle.receipt()).await.is_ok() {
            return Ok(());
        }
    }
    Err(QueueError::StaleReceipt)
}
