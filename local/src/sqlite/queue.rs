//! The queues.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::Timestamp;
use shared::memory::Readiness;
use shared::memory::fifo::{FifoCounts, Moment, ReceiptHandle, ReceivedMessage, Seq, StaleHandle};
use shared::memory::limits::check_message;
use shared::ports::{
    DeadLetter, Delivery, Durability, EventSource, OutgoingMessage, Queue, QueueError, Receipt,
};

use super::engine::{Engine, sent_at};
use super::queue_index::QueueIndex;
use super::{Database, queue_rows};

/// A FIFO queue on `SQLite`.
///
/// Messages, receive counts, dead letters and deduplication ids outlive the process; what is in
/// flight when the process ends is available again at the next start.
/// Visibility timeouts are measured on `tokio::time`.
#[derive(Debug, Clone)]
pub struct SqliteQueue {
    database: Database,
    place: usize,
    readiness: Arc<Readiness>,
}

/// How much there is in a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// The messages that wait.
    pub waiting: usize,
    /// The messages in flight.
    pub in_flight: usize,
    /// The dead letters.
    pub dead: usize,
    /// How long the one that waits longest has been in the queue.
    pub oldest: Duration,
}

impl SqliteQueue {
    pub(super) fn new(database: Database, place: usize, readiness: Arc<Readiness>) -> Self {
        Self { database, place, readiness }
    }

    /// Counts what there is.
    pub async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let count = |engine: &mut Engine, place: usize, now| {
            let FifoCounts { waiting, in_flight, dead, oldest } =
                engine.queues[place].fifo.depth(now);
            let oldest = oldest.map_or(Duration::ZERO, |seq| engine.now().since(sent_at(seq)));
            Ok(QueueDepth { waiting, in_flight, dead, oldest })
        };
        self.act(Durability::Ordered, count).await
    }

    /// Lists the dead letters with the times at which they were sent, oldest first, at most
    /// `limit`.
    pub async fn letters(&self, limit: usize) -> Result<Vec<(DeadLetter, Timestamp)>, QueueError> {
        let place = self.place;
        let list = move |engine: &mut Engine| {
            let dead = engine.queues[place].fifo.dead().take(limit);
            dead.map(|seq| Ok((queue_rows::dead_letter(&engine.connection, seq)?, sent_at(seq))))
                .collect()
        };
        Ok(self.database.read(list).await?)
    }

    /// Moves these dead letters back, oldest first, behind the newer messages of their groups;
    /// absent ones are passed over. Returns those that were there.
    pub async fn redrive_only(&self, ids: Vec<String>) -> Result<Vec<String>, QueueError> {
        self.act(Durability::Synced, move |engine, place, _| {
            let dead = chosen(engine, place, &ids);
            remove_dead_letter(engine, place, &dead)?;
            Ok(dead.iter().map(Seq::to_string).collect())
        })
        .await
    }

    /// Removes these dead letters for good; absent ones are passed over. Returns those that were
    /// there.
    pub async fn drop_only(&self, ids: Vec<String>) -> Result<Vec<String>, QueueError> {
        self.act(Durability::Synced, move |engine, place, _| {
            let dead = chosen(engine, place, &ids);
            engine.is_ahead = true;
            for seq in &dead {
                queue_rows::delete(&engine.connection, *seq)?;
                engine.queues[place].fifo.remove_dead_letter(*seq);
            }
            engine.is_ahead = false;
            Ok(dead.iter().map(Seq::to_string).collect())
        })
        .await
    }

    /// Does one thing to the queue in the thread that owns it, and tells those who wait what comes
    /// next.
    async fn act<T, W>(&self, durability: Durability, work: W) -> Result<T, QueueError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine, usize, Moment) -> rusqlite::Result<T> + Send + 'static,
    {
        let place = self.place;
        let caller = self.readiness.now();
        let act = move |engine: &mut Engine| {
            let now = engine.queues[place].time(caller);
            let outcome = work(engine, place, now);
            engine.queues[place].publish();
            outcome
        };
        Ok(self.database.write(durability, act).await?)
    }
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        check_message(&message.group, &message.deduplication_id, &message.body)?;
        self.act(message.durability, move |engine, place, now| send(engine, place, &message, now))
            .await
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        let handle = ReceiptHandle::parse(receipt)?;
        let change = move |engine: &mut Engine, place: usize, now| {
            Ok(engine.queues[place].fifo.change_visibility(handle, visibility, now))
        };
        Ok(self.act(Durability::Ordered, change).await??)
    }
}

#[async_trait]
impl EventSource for SqliteQueue {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        if !self.readiness.is_ready() {
            return Ok(Vec::new());
        }
        self.act(Durability::Ordered, move |engine, place, now| receive(engine, place, max, now))
            .await
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        let handle = ReceiptHandle::parse(receipt)?;
        Ok(self
            .act(Durability::Ordered, move |engine, place, now| delete(engine, place, handle, now))
            .await??)
    }

    async fn ready(&self) {
        self.readiness.wait().await;
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        let place = self.place;
        let list = move |engine: &mut Engine| {
            let dead = engine.queues[place].fifo.dead().take(limit);
            dead.map(|seq| queue_rows::dead_letter(&engine.connection, seq)).collect()
        };
        Ok(self.database.read(list).await?)
    }

    async fn redrive(&self) -> Result<usize, QueueError> {
        self.act(Durability::Synced, |engine, place, _| redrive(engine, place)).await
    }
}

fn send(
    engine: &mut Engine,
    place: usize,
    message: &OutgoingMessage,
    now: Moment,
) -> rusqlite::Result<()> {
    if engine.queues[place].fifo.is_duplicate(&message.deduplication_id, now) {
        return Ok(());
    }
    let seq = engine.next_seq();
    let QueueIndex { name, fifo, .. } = &mut engine.queues[place];
    queue_rows::insert(&engine.connection, name, seq, message, engine.clock.now())?;
    fifo.remember(&message.deduplication_id, Duration::ZERO, now);
    fifo.append(seq, &message.group, 0);
    engine.written += message.body.len();
    Ok(())
}

fn receive(
    engine: &mut Engine,
    place: usize,
    max: usize,
    now: Moment,
) -> rusqlite::Result<Vec<Delivery>> {
    engine.is_ahead = true;
    let received = engine.queues[place].fifo.receive(max, now);
    for seq in received.dead {
        queue_rows::bury(&engine.connection, seq)?;
    }
    let taken =
        received.taken.iter().map(|taken| deliver(engine, taken)).collect::<Result<_, _>>()?;
    engine.is_ahead = false;
    Ok(taken)
}

fn deliver(engine: &Engine, taken: &ReceivedMessage) -> rusqlite::Result<Delivery> {
    let body = queue_rows::receive(&engine.connection, taken.seq, taken.receive_count)?;
    Ok(Delivery {
        message_id: taken.seq.to_string(),
        group: taken.group.to_string(),
        body,
        receive_count: taken.receive_count,
        receipt: taken.handle.receipt(),
    })
}

fn delete(
    engine: &mut Engine,
    place: usize,
    handle: ReceiptHandle,
    now: Moment,
) -> rusqlite::Result<Result<(), StaleHandle>> {
    let found = engine.queues[place].fifo.find(handle, now);
    if let Ok(Some(seq)) = found {
        queue_rows::delete(&engine.connection, seq)?;
        engine.queues[place].fifo.remove(seq);
    }
    Ok(found.map(drop))
}

fn redrive(engine: &mut Engine, place: usize) -> rusqlite::Result<usize> {
    let dead: Vec<_> = engine.queues[place].fifo.dead().collect();
    remove_dead_letter(engine, place, &dead)?;
    Ok(dead.len())
}

/// Returns the dead letters among these, oldest first.
fn chosen(engine: &Engine, place: usize, ids: &[String]) -> Vec<Seq> {
    let ids: BTreeSet<Seq> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    engine.queues[place].fifo.dead().filter(|seq| ids.contains(seq)).collect()
}

fn remove_dead_letter(engine: &mut Engine, place: usize, dead: &[Seq]) -> rusqlite::Result<()> {
    engine.is_ahead = true;
    for seq in dead {
        let new = engine.next_seq();
        let group = queue_rows::remove_dead_letter(&engine.connection, *seq, new)?;
        let fifo = &mut engine.queues[place].fifo;
        fifo.remove_dead_letter(*seq);
        fifo.append(new, &group, 0);
    }
    engine.is_ahead = false;
    Ok(())
}
