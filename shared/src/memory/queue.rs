//! A FIFO queue in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

use super::lock;
use crate::fifo::{
    Fifo, QueueSettings, Readiness, ReceiptHandle, ReceivedMessage, Seq, StaleHandle,
};
use crate::limits::check_message;
use crate::ports::{
    DeadLetter, Delivery, EventSource, OutgoingMessage, Queue, QueueError, Receipt,
};

/// A FIFO queue in memory; its time is `tokio::time`, so that tests can pause it.
#[derive(Debug)]
pub struct MemoryQueue {
    state: Mutex<State>,
    readiness: Readiness,
}

#[derive(Debug)]
struct State {
    fifo: Fifo,
    stored: BTreeMap<Seq, Stored>,
    last: Seq,
}

#[derive(Debug)]
struct Stored {
    group: String,
    body: String,
    receive_count: u32,
}

impl MemoryQueue {
    /// Makes an empty queue.
    pub fn new(settings: QueueSettings) -> Self {
        let state = State { fifo: Fifo::new(settings), stored: BTreeMap::new(), last: 0 };
        Self { state: Mutex::new(state), readiness: Readiness::new() }
    }

    /// Counts the messages, those in flight included, without the dead letters.
    pub fn len(&self) -> usize {
        let state = lock(&self.state);
        state.stored.len() - state.fifo.dead().count()
    }

    /// Tells whether there is no message, in flight or not, but maybe dead letters.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Does one thing to the queue, and tells those who wait what comes next.
    fn act<T>(&self, act: impl FnOnce(&mut State, Duration) -> T) -> T {
        let mut state = lock(&self.state);
        let now = self.readiness.now();
        let outcome = act(&mut state, now);
        self.readiness.publish(state.fifo.next(now));
        outcome
    }
}

impl State {
    fn append(&mut self, stored: Stored) {
        self.last += 1;
        self.fifo.append(self.last, &stored.group, 0);
        self.stored.insert(self.last, stored);
    }

    fn deliver(&mut self, taken: &ReceivedMessage) -> Option<Delivery> {
        let stored = self.stored.get_mut(&taken.seq)?;
        stored.receive_count = taken.receive_count;
        Some(Delivery {
            message_id: taken.seq.to_string(),
            group: stored.group.clone(),
            body: stored.body.clone(),
            receive_count: taken.receive_count,
            receipt: taken.handle.receipt(),
        })
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        let OutgoingMessage { group, deduplication_id, body, .. } = message;
        check_message(&group, &deduplication_id, &body)?;
        self.act(|state, now| {
            if !state.fifo.is_duplicate(&deduplication_id, now) {
                state.fifo.remember(&deduplication_id, Duration::ZERO, now);
                state.append(Stored { group, body, receive_count: 0 });
            }
        });
        Ok(())
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        let handle = ReceiptHandle::parse(receipt)?;
        self.act(|state, now| state.fifo.change_visibility(handle, visibility, now))
            .map_err(QueueError::from)
    }
}

#[async_trait]
impl EventSource for MemoryQueue {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        Ok(self.act(|state, now| {
            let received = state.fifo.receive(max, now);
            received.taken.iter().filter_map(|taken| state.deliver(taken)).collect()
        }))
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        let handle = ReceiptHandle::parse(receipt)?;
        self.act(|state, now| {
            if let Some(seq) = state.fifo.find(handle, now)? {
                state.fifo.remove(seq);
                state.stored.remove(&seq);
            }
            Ok(())
        })
    }

    async fn ready(&self) {
        self.readiness.wait().await;
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        let state = lock(&self.state);
        let dead =
            state.fifo.dead().take(limit).filter_map(|seq| Some((seq, state.stored.get(&seq)?)));
        Ok(dead.map(|(seq, stored)| dead_letter(seq, stored)).collect())
    }

    async fn redrive(&self) -> Result<usize, QueueError> {
        Ok(self.act(|state, _| {
            let dead: Vec<Seq> = state.fifo.dead().collect();
            for seq in &dead {
                state.fifo.remove_dead_letter(*seq);
                if let Some(stored) = state.stored.remove(seq) {
                    state.append(Stored { receive_count: 0, ..stored });
                }
            }
            dead.len()
        }))
    }
}

impl From<StaleHandle> for QueueError {
    fn from(_: StaleHandle) -> Self {
        Self::StaleReceipt
    }
}

fn dead_letter(seq: Seq, stored: &Stored) -> DeadLetter {
    DeadLetter {
        message_id: seq.to_string(),
        group: stored.group.clone(),
        body: stored.body.clone(),
        receive_count: stored.receive_count,
    }
}
