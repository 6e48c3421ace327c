//! What goes wrong with the queues.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::fifo::ReceiptHandle;
use shared::memory::MemoryQueue;
use shared::ports::{EventSource as _, OutgoingMessage, Queue, QueueError, Receipt};

/// How many receives of one queue a stale handle can lie behind: more than a run makes.
const RECEIVES: u64 = 2_000;

/// 2: the caller takes a message for sent, whatever became of it.
pub(super) struct AcceptBeforeQueue(pub(super) Arc<dyn Queue>);

#[async_trait]
impl Queue for AcceptBeforeQueue {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        let _ = self.0.send(message).await;
        Ok(())
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        self.0.change_visibility(receipt, visibility).await
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
