//! Drives the handlers the way an event source mapping does.
//!
//! One message in flight per group, many groups at once; what is handled is deleted, what fails is
//! left to its visibility timeout, and a panic costs only its own message and the later ones of its
//! group.

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

use crate::stop::{Stop, stopped};

/// How long a message whose handler panicked stays hidden.
const AFTER_PANIC: Duration = Duration::from_secs(5);
/// The pause after a queue failed.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// Handles a batch and returns the ids of the messages that failed.
///
/// After a panic the messages of its batch are handled again, one by one, those that were done
/// before it too.
pub type Handler =
    Arc<dyn Fn(Arc<[Delivery]>) -> Pin<Box<dyn Future<Output = Vec<String>> + Send>> + Send + Sync>;

/// One queue and what handles it.
pub struct Pump {
    /// Where messages come from.
    pub source: Arc<dyn EventSource>,
    /// What handles them.
    pub handler: Handler,
    /// The largest batch.
    pub batch: usize,
    /// How many batches are handled at once.
    pub concurrency: usize,
}

impl Pump {
    /// Runs until `stop` turns true; then waits up to `grace` for what is in flight, and drops the
    /// rest, which is available again at the next start.
    pub async fn run(self, mut stop: Stop, grace: Duration) {
        let slots = Arc::new(Semaphore::new(self.concurrency));
        let mut tasks = JoinSet::new();
        loop {
            while tasks.try_join_next().is_some() {}
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                (batch, slot) = self.next(&slots) => drop(tasks.spawn(self.work(batch, slot))),
            }
        }
        if timeout(grace, async { while tasks.join_next().await.is_some() {} }).await.is_err() {
            tracing::info!(messages = tasks.len(), "messages in flight are left to the next start");
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
                        "a queue could not be read"
                    );
                    sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    fn work(
        &self,
        batch: Arc<[Delivery]>,
        slot: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + use<> {
        let crew = Crew { source: self.source.clone(), handler: self.handler.clone() };
        async move {
            crew.work(batch).await;
            drop(slot);
        }
    }
}

/// What works on one batch.
struct Crew {
    source: Arc<dyn EventSource>,
    handler: Handler,
}

impl Crew {
    /// Handles a batch; one that panics is handled again in parts, so that it costs only the
    /// message that panicked.
    async fn work(&self, batch: Arc<[Delivery]>) {
        match self.attempt(batch.clone()).await {
            Ok(failed) => {
                for delivery in
                    batch.iter().filter(|delivery| !failed.contains(&delivery.message_id))
                {
                    report(self.source.delete(&delivery.receipt).await);
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

    /// Handles a group in its order, up to the first message that fails or panics.
    async fn one_by_one(&self, group: &[Delivery]) {
        for (done, delivery) in group.iter().enumerate() {
            match self.attempt(Arc::new([delivery.clone()])).await {
                Ok(failed) if failed.is_empty() => {
                    report(self.source.delete(&delivery.receipt).await);
                }
                Ok(_) => return,
                Err(Panicked) => return self.hide(group.get(done..).unwrap_or_default()).await,
            }
        }
    }

    /// Calls the handler within this task, so that dropping it ends the work too.
    async fn attempt(&self, batch: Arc<[Delivery]>) -> Result<Vec<String>, Panicked> {
        AssertUnwindSafe(async { (self.handler)(batch).await })
            .catch_unwind()
            .await
            .map_err(|_| Panicked)
    }

    async fn hide(&self, deliveries: &[Delivery]) {
        for delivery in deliveries {
            tracing::error!(group = %delivery.group, "a handler panicked; the message waits");
            report(self.source.change_visibility(&delivery.receipt, AFTER_PANIC).await);
        }
    }
}

/// A handler panicked; the panic's own message is on the standard error already.
struct Panicked;

/// A stale handle means that the message was delivered again meanwhile: the protocol absorbs that.
fn report(done: Result<(), QueueError>) {
    match done {
        Ok(()) | Err(QueueError::StaleReceipt) => (),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a message was not acknowledged"
        ),
    }
}
