//! Calls a handler for the messages of a queue, as a Lambda event source mapping does.
//!
//! # Ordering
//!
//! At most one message of a group is in flight; many groups are handled at once. The queue enforces
//! this: it does not hand out a group's next message while one is in flight. The pump only has to
//! keep its own promise: a message is deleted once it has been handled, and left alone when it
//! failed. A failed message returns after its visibility timeout, and until then it blocks the rest
//! of its group, so nothing overtakes it.
//!
//! # Back-pressure
//!
//! A slot of the semaphore is taken *before* messages are received, and held until their batch has
//! been handled. Messages that were received without a free slot would wait here invisibly while
//! their visibility timeout runs out, and would then be delivered twice.
//!
//! # Panics
//!
//! A panic must not cost more than the message that caused it. The handler runs inside the batch's
//! task behind `catch_unwind`. Which message of a batch panicked is unknown, so the batch is
//! handled again, one message at a time: groups side by side, each in its order. The message that
//! panics again is hidden for `AFTER_PANIC` together with the later ones of its group, because
//! handling those first would break the order. Messages before it may be handled twice; handlers
//! are idempotent. If it panics at every delivery, the queue's receive limit makes it a dead
//! letter.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use shared::ports::{Delivery, EventSource, QueueError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long a message stays hidden after its handler panicked.
const AFTER_PANIC: Duration = Duration::from_secs(5);
/// The pause after an error of the queue.
const AFTER_QUEUE_ERROR: Duration = Duration::from_millis(500);

/// Handles a batch and returns the ids of the messages that failed.
///
/// After a panic, the messages of its batch are handled again one by one, including those that had
/// been handled before it.
pub type BatchHandler =
    Arc<dyn Fn(Arc<[Delivery]>) -> Pin<Box<dyn Future<Output = Vec<String>> + Send>> + Send + Sync>;

/// One queue and its handler.
pub struct QueuePump {
    /// Where messages come from.
    pub source: Arc<dyn EventSource>,
    /// Called with each batch.
    pub handler: BatchHandler,
    /// The largest batch.
    pub batch: usize,
    /// How many batches are handled at once.
    pub concurrency: usize,
}

impl QueuePump {
    /// Runs until `stop` turns true, then waits up to `grace` for the batches in flight.
    ///
    /// What is not done by then is dropped; those messages are available again at the next start.
    pub async fn run(self, stop: CancellationToken, grace: Duration) {
        let slots = Arc::new(Semaphore::new(self.concurrency));
        let mut tasks = JoinSet::new();
        loop {
            // Finished tasks keep their memory until they are joined.
            while tasks.try_join_next().is_some() {}
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                (batch, slot) = self.next(&slots) => drop(tasks.spawn(self.work(batch, slot))),
            }
        }
        if timeout(grace, async { while tasks.join_next().await.is_some() {} }).await.is_err() {
            tracing::info!(
                batches = tasks.len(),
                "stopped with messages in flight; they are handled after the next start"
            );
        }
    }

    /// Waits for a free slot, then for messages.
    async fn next(&self, slots: &Arc<Semaphore>) -> (Arc<[Delivery]>, OwnedSemaphorePermit) {
        loop {
            let Ok(slot) = slots.clone().acquire_owned().await else {
                return std::future::pending().await;
            };
            match self.source.receive(self.batch).await {
                Ok(batch) if batch.is_empty() => self.source.ready().await,
                Ok(batch) => return (batch.into(), slot),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "could not receive from a queue; will try again"
                    );
                    sleep(AFTER_QUEUE_ERROR).await;
                }
            }
        }
    }

    /// Handles a batch; its slot is free again when the returned future is done or dropped.
    fn work(
        &self,
        batch: Arc<[Delivery]>,
        slot: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + use<> {
        let runner = BatchRunner { source: self.source.clone(), handler: self.handler.clone() };
        async move {
            runner.run(batch).await;
            drop(slot);
        }
    }
}

/// Handles one batch.
struct BatchRunner {
    source: Arc<dyn EventSource>,
    handler: BatchHandler,
}

impl BatchRunner {
    /// Handles a batch and deletes what was handled. After a panic, handles it message by message.
    async fn run(&self, batch: Arc<[Delivery]>) {
        match self.attempt(batch.clone()).await {
            Ok(failed) => {
                let handled =
                    batch.iter().filter(|delivery| !failed.contains(&delivery.message_id));
                for delivery in handled {
                    log_failure(self.source.delete(&delivery.receipt).await);
                }
            }
            Err(Panicked) if batch.len() == 1 => self.hide(&batch).await,
            Err(Panicked) => {
                let mut groups: BTreeMap<&str, Vec<Delivery>> = BTreeMap::new();
                for delivery in batch.iter() {
                    groups.entry(&delivery.group).or_default().push(delivery.clone());
                }
                join_all(groups.values().map(|group| self.one_by_one(group))).await;
            }
        }
    }

    /// Handles a group in order, up to the first message that fails or panics.
    async fn one_by_one(&self, group: &[Delivery]) {
        for (done, delivery) in group.iter().enumerate() {
            match self.attempt(Arc::new([delivery.clone()])).await {
                Ok(failed) if failed.is_empty() => {
                    log_failure(self.source.delete(&delivery.receipt).await);
                }
                Ok(_) => return,
                Err(Panicked) => return self.hide(group.get(done..).unwrap_or_default()).await,
            }
        }
    }

    /// Calls the handler in this task rather than in one of its own, so that dropping the task at a
    /// shutdown also ends the handler.
    async fn attempt(&self, batch: Arc<[Delivery]>) -> Result<Vec<String>, Panicked> {
        AssertUnwindSafe(async { (self.handler)(batch).await })
            .catch_unwind()
            .await
            .map_err(|_| Panicked)
    }

    /// Hides messages for `AFTER_PANIC`, which is shorter than their visibility timeout.
    async fn hide(&self, deliveries: &[Delivery]) {
        for delivery in deliveries {
            tracing::error!(
                group = %delivery.group,
                "a message handler panicked; its message is hidden for a while"
            );
            log_failure(self.source.change_visibility(&delivery.receipt, AFTER_PANIC).await);
        }
    }
}

/// A handler panicked. The panic hook has printed its message.
struct Panicked;

/// Logs an error of an acknowledgement, unless the receipt is stale: then the message has been
/// delivered again meanwhile, and whoever has the new receipt acknowledges it.
fn log_failure(result: Result<(), QueueError>) {
    match result {
        Ok(()) | Err(QueueError::StaleReceipt) => (),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "could not acknowledge a message; it will be delivered again"
        ),
    }
}
