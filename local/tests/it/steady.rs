//! Paused time that does not run ahead of a thread.

use std::time::Duration;

use async_trait::async_trait;
use local::sqlite::SqliteQueue;
use shared::ports::{
    DeadLetter, Delivery, EventSource, OutgoingMessage, Queue, QueueError, Receipt,
};

/// A queue during whose calls paused time stands still.
///
/// Paused time jumps to the next timer when a runtime has nothing to do, but not while a blocking
/// task runs.
pub(crate) struct Steady(pub(crate) SqliteQueue);

async fn steady<T>(call: impl Future<Output = T>) -> T {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let task = tokio::task::spawn_blocking(move || wait.recv());
    let outcome = call.await;
    drop(done);
    task.await.unwrap().unwrap_err();
    outcome
}

#[async_trait]
impl Queue for Steady {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        steady(self.0.send(message)).await
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        steady(self.0.change_visibility(receipt, visibility)).await
    }
}

#[async_trait]
impl EventSource for Steady {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        steady(self.0.receive(max)).await
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        steady(self.0.delete(receipt)).await
    }

    async fn ready(&self) {
        self.0.ready().await;
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        steady(self.0.dead_letters(limit)).await
    }

    async fn redrive(&self) -> Result<usize, QueueError> {
        steady(self.0.redrive()).await
    }
}
