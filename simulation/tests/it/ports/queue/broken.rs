//! Queues with one fault each.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use shared::fifo::QueueSettings;
use shared::memory::MemoryQueue;
use shared::ports::{
    DeadLetter, Delivery, EventSource, OutgoingMessage, Queue, QueueError, Receipt,
};

use super::SETTINGS;
use super::test_bed::TestBed;

/// What a queue does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Deletes a message by the handle of an earlier receive.
    HonoursStaleHandle,
    /// Hands out a message of a group of which another is in flight.
    IgnoresLock,
    /// Takes a message again whose deduplication id it knows.
    TakesRepeats,
    /// Accepts a visibility of zero, and leaves the message hidden.
    IgnoresZero,
    /// Receives a message once more before it becomes a dead letter.
    BuriesLate,
    /// Counts the dead letters, and moves none.
    ForgetsRedrive,
    /// Never says that it has something.
    NeverReady,
    /// Leaves messages in flight when its process ends.
    KeepsFlights,
    /// Loses everything when its process ends.
    LosesAll,
}

/// A queue in memory with a fault laid around it.
pub(super) struct BrokenQueue {
    inner: MemoryQueue,
    fault: Fault,
    sent: AtomicUsize,
    /// Every receive: its handle and its message.
    received: Mutex<Vec<(Receipt, String)>>,
    /// The newest handle of each message.
    newest: Mutex<HashMap<String, Receipt>>,
}

impl BrokenQueue {
    pub(super) fn new(fault: Fault) -> Self {
        let more = u32::from(fault == Fault::BuriesLate);
        let settings =
            QueueSettings { max_receive_count: SETTINGS.max_receive_count + more, ..SETTINGS };
        let received = Mutex::default();
        let newest = Mutex::default();
        Self {
            inner: MemoryQueue::new(settings),
            fault,
            sent: AtomicUsize::new(0),
            received,
            newest,
        }
    }

    fn note(&self, delivery: &Delivery) {
        let Delivery { receipt, message_id, .. } = delivery;
        self.received.lock().unwrap().push((receipt.clone(), message_id.clone()));
        self.newest.lock().unwrap().insert(message_id.clone(), receipt.clone());
    }

    fn newest(&self, receipt: &Receipt) -> Option<Receipt> {
        let received = self.received.lock().unwrap();
        let (_, message) = received.iter().find(|(known, _)| known == receipt)?;
        self.newest.lock().unwrap().get(message).cloned()
    }
}

#[async_trait]
impl Queue for BrokenQueue {
    async fn send(&self, mut message: OutgoingMessage) -> Result<(), QueueError> {
        let number = self.sent.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Fault::IgnoresLock => message.group = format!("{}/{number}", message.group),
            Fault::TakesRepeats => message.deduplication_id = number.to_string(),
            _ => {}
        }
        self.inner.send(message).await
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        let ignored = self.fault == Fault::IgnoresZero && visibility.is_zero();
        let visibility = if ignored { SETTINGS.visibility } else { visibility };
        self.inner.change_visibility(receipt, visibility).await
    }
}

#[async_trait]
impl EventSource for BrokenQueue {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        let mut deliveries = self.inner.receive(max).await?;
        for delivery in &mut deliveries {
            delivery.group.truncate(delivery.group.find('/').unwrap_or(delivery.group.len()));
            self.note(delivery);
        }
        Ok(deliveries)
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        let newest = self.newest(receipt).filter(|_| self.fault == Fault::HonoursStaleHandle);
        self.inner.delete(&newest.unwrap_or_else(|| receipt.clone())).await
    }

    async fn ready(&self) {
        if self.fault == Fault::NeverReady {
            std::future::pending::<()>().await;
        }
        self.inner.ready().await;
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        let mut dead = self.inner.dead_letters(limit).await?;
        for letter in &mut dead {
            letter.group.truncate(letter.group.find('/').unwrap_or(letter.group.len()));
        }
        Ok(dead)
    }

    async fn redrive(&self) -> Result<usize, QueueError> {
        if self.fault == Fault::ForgetsRedrive {
            return Ok(self.inner.dead_letters(usize::MAX).await?.len());
        }
        self.inner.redrive().await
    }
}

impl TestBed for BrokenQueue {
    fn queue(&self) -> &dyn EventSource {
        self
    }

    fn restart(&mut self) -> bool {
        match self.fault {
            Fault::KeepsFlights => true,
            Fault::LosesAll => {
                self.inner = MemoryQueue::new(SETTINGS);
                true
            }
            _ => false,
        }
    }
}
