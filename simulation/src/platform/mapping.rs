//! Event source mappings: from a queue to a function, at least once.

use std::sync::Arc;
use std::time::Duration;

use shared::memory::MemoryQueue;
use shared::ports::{Delivery, EventSource as _, Queue as _};
use testkit::faults::{PortCall, PortCaller as _};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Platform;
use crate::faults::{ExternalFault, Function, Process, Subject};
use crate::mutants;
use crate::ports::{QueueName, unavailable};

/// The pause after a queue failed.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

impl Platform {
    /// Hands requests to workers, for ever.
    pub async fn drive_requests(self: Arc<Self>) {
        let slots = Arc::new(Semaphore::new(self.setup.workers));
        let process = self.mapping();
        let mut tasks = JoinSet::new();
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let Some(delivery) = self.receive(&process, QueueName::Requests, 1).await.pop() else {
                continue;
            };
            if delivery.receive_count > 1 {
                self.cloud.faults.tally().event("redeliveries");
            }
            let platform = Arc::clone(&self);
            let process = Arc::clone(&process);
            tasks.spawn(async move {
                platform.answer(&process, delivery).await;
                drop(slot);
            });
            while tasks.try_join_next().is_some() {}
        }
    }

    /// Hands replies to notifiers, for ever.
    pub async fn drive_replies(self: Arc<Self>) {
        let slots = Arc::new(Semaphore::new(self.setup.notifiers));
        let process = self.mapping();
        let mut tasks = JoinSet::new();
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let batch = self.receive(&process, QueueName::Replies, self.setup.batch).await;
            let platform = Arc::clone(&self);
            let process = Arc::clone(&process);
            tasks.spawn(async move {
                platform.deliver(&process, &batch).await;
                drop(slot);
            });
            while tasks.try_join_next().is_some() {}
        }
    }

    /// Handles one request, as the mapping does; sometimes by two processes at once.
    pub async fn answer(&self, process: &Process, delivery: Delivery) {
        let subject = super::functions::request_subject(&delivery);
        if self.cloud.faults.occurs(ExternalFault::DeliveredTwice, &subject) {
            tokio::join!(
                self.answer_once(process, &delivery),
                self.answer_once(process, &delivery)
            );
        } else {
            self.answer_once(process, &delivery).await;
        }
    }

    async fn answer_once(&self, process: &Process, delivery: &Delivery) {
        match self.invoke_worker(delivery).await.returned() {
            Some(Ok(())) => {
                if self.acknowledge(process, QueueName::Requests, delivery).await {
                    self.cloud.checker.acknowledged(&delivery.body).await;
                }
            }
            Some(Err(_)) => drop(self.cloud.faults.tally().event("deliveries reported as failed")),
            None => drop(self.cloud.faults.tally().event("processes died at work")),
        }
    }

    /// Handles one batch of replies, as the mapping does.
    pub async fn deliver(&self, process: &Process, batch: &[Delivery]) {
        match self.invoke_notifier(batch).await.returned() {
            Some(failed) => {
                for delivery in
                    batch.iter().filter(|delivery| !failed.contains(&delivery.message_id))
                {
                    self.acknowledge(process, QueueName::Replies, delivery).await;
                }
            }
            None => drop(self.cloud.faults.tally().event("processes died at work")),
        }
    }

    /// Makes a mapping's own process, which never dies.
    pub fn mapping(&self) -> Arc<Process> {
        Process::start(
            Function::Mapping,
            Arc::clone(&self.cloud.faults),
            Arc::clone(&self.cloud.trace),
            0,
        )
    }

    /// Waits for messages of a queue.
    pub async fn receive(&self, process: &Process, which: QueueName, max: usize) -> Vec<Delivery> {
        let queue = which.of(&self.cloud);
        loop {
            match process.call(PortCall::Receive, queue.receive(max), unavailable).await {
                Ok(batch) if batch.is_empty() => queue.ready().await,
                Ok(batch) => return batch,
                Err(_) => sleep(AFTER_FAILURE).await,
            }
        }
    }

    /// Deletes a message; tells whether the queue did.
    async fn acknowledge(&self, process: &Process, which: QueueName, delivery: &Delivery) -> bool {
        let queue = which.of(&self.cloud);
        let mut deleted = false;
        let call = async {
            let waiting = queue.len();
            let current = is_current(queue, delivery).await;
            let result = mutants::delete(self.setup.mutant, queue, delivery).await;
            deleted = result.is_ok();
            if queue.len() < waiting && !current {
                self.cloud.checker.deleted_by_stale(delivery);
            }
            result
        };
        let result = process.call(PortCall::Delete, call, unavailable).await;
        let subject = Subject::Nobody;
        self.cloud.trace.note(&subject, deleted, || {
            format!("{which:?}: {} acknowledged: {result:?}", delivery.group)
        });
        deleted
    }
}

/// Tells whether a delivery is its message's newest: only then its handle can hide the message.
///
/// Harmless right before the message is deleted.
async fn is_current(queue: &MemoryQueue, delivery: &Delivery) -> bool {
    queue.change_visibility(&delivery.receipt, AFTER_FAILURE).await.is_ok()
}
