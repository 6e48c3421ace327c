//! A queue, watched by the checker.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::memory::MemoryQueue;
use shared::ports::{OutgoingMessage, Queue, QueueError, Receipt};

use super::ProcessPorts;
use crate::cloud::Cloud;

/// Which of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueName {
    /// From ingress to the worker.
    Requests,
    /// From the worker to the notifier.
    Replies,
}

impl QueueName {
    /// Returns the queue.
    pub fn of(self, cloud: &Cloud) -> &Arc<MemoryQueue> {
        match self {
            Self::Requests => &cloud.requests,
            Self::Replies => &cloud.replies,
        }
    }
}

pub(super) struct WatchedQueue {
    pub(super) process_ports: ProcessPorts,
    pub(super) which: QueueName,
}

pub(crate) fn unavailable<T>() -> Result<T, QueueError> {
    Err(QueueError::Unavailable("injected by the simulation".into()))
}

#[async_trait]
impl Queue for WatchedQueue {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        let ProcessPorts { process, cloud, .. } = &self.process_ports;
        cloud.checker.sent(self.which, &message);
        let result = self.which.of(cloud).send(message).await;
        if let Err(QueueError::Refused(reason)) = &result {
            cloud.checker.violation("8", &process.subject(), || {
                format!("a queue refused a message: {reason}")
            });
        }
        result
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        self.which.of(&self.process_ports.cloud).change_visibility(receipt, visibility).await
    }
}
