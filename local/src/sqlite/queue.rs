//! FIFO queues on `SQLite`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::Timestamp;
use shared::fifo::Readiness;
use shared::fifo::{FifoCounts, Moment, ReceiptHandle, ReceivedMessage, Seq, StaleHandle};
use shared::limits::check_message;
use shared::ports::{
    DeadLetter, Delivery, Durability, EventSource, OutgoingMessage, Queue, QueueError, Receipt,
};

use super::engine::{Engine, sent_at};
use super::queue_index::QueueIndex;
use super::{Database, queue_rows};

/// A FIFO queue on `SQLite`.
///
/// Messages, receive counts, dead letters and deduplication ids outlive the process. Messages that
/// are in flight when the process ends are available again at the next start. Visibility timeouts
/// are measured with `tokio::time`.
#[derive(Debug, Clone)]
pub struct SqliteQueue {
    database: Database,
    index: usize,
    readiness: Arc<Readiness>,
}

/// The number of messages in a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Messages waiting to be received.
    pub waiting: usize,
    /// Messages in flight.
    pub in_flight: usize,
    /// Dead letters.
    pub dead: usize,
    /// The age of the oldest waiting message.
    pub oldest: Duration,
}

impl SqliteQueue {
    pub(super) fn new(database: Database, index: usize, readiness: Arc<Readiness>) -> Self {
        Self { database, index, readiness }
    }

    /// Counts the messages.
    pub async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let count = |engine: &mut Engine, index: usize, now| {
            let FifoCounts { waiting, in_flight, dead, oldest } =
                engine.queues[index].fifo.depth(now);
            let oldest = oldest.map_or(Duration::ZERO, |seq| engine.now().since(sent_at(seq)));
            Ok(QueueDepth { waiting, in_flight, dead, oldest })
        };
        self.on_queue(Durability::Ordered, count).await
    }

    /// Lists up to `limit` dead letters with the times at which they were sent, oldest first.
    pub async fn list_dead_letters(
        &self,
        limit: usize,
    ) -> Result<Vec<(DeadLetter, Timestamp)>, QueueError> {
        let index = self.index;
        let list = move |engine: &mut Engine| {
            let dead = engine.queues[index].fifo.dead().take(limit);
            dead.map(|seq| Ok((queue_rows::dead_letter(&engine.connection, seq)?, sent_at(seq))))
                .collect()
        };
        Ok(self.database.read(list).await?)
    }

    /// Redrives the dead letters with these ids, oldest first, to the end of their groups. Unknown
    /// ids are skipped. Returns the ids that were found.
    pub async fn redrive_dead_letters(&self, ids: Vec<String>) -> Result<Vec<String>, QueueError> {
        self.on_queue(Durability::Synced, move |engine, index, _| {
            let dead = select_dead(engine, index, &ids);
            revive(engine, index, &dead)?;
            Ok(dead.iter().map(Seq::to_string).collect())
        })
        .await
    }

    /// Deletes the dead letters with these ids. Unknown ids are skipped. Returns the ids that were
    /// found.
    pub async fn drop_dead_letters(&self, ids: Vec<String>) -> Result<Vec<String>, QueueError> {
        self.on_queue(Durability::Synced, move |engine, index, _| {
            let dead = select_dead(engine, index, &ids);
            engine.is_ahead = true;
            for seq in &dead {
                queue_rows::delete(&engine.connection, *seq)?;
                engine.queues[index].fifo.remove_dead_letter(*seq);
            }
            engine.is_ahead = false;
            Ok(dead.iter().map(Seq::to_string).collect())
        })
        .await
    }

    /// Runs an operation on the queue's index in the writer's thread, then publishes when the next
    /// message is available.
    ///
    /// The time is read here rather than in the thread: a message's visibility timeout must be
    /// measured from the caller's point of view, not from when the thread gets to the job.
    async fn on_queue<T, W>(&self, durability: Durability, work: W) -> Result<T, QueueError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine, usize, Moment) -> rusqlite::Result<T> + Send + 'static,
    {
        let index = self.index;
        let caller = self.readiness.now();
        let job = move |engine: &mut Engine| {
            let now = engine.queues[index].time(caller);
            let outcome = work(engine, index, now);
            engine.queues[index].publish();
            outcome
        };
        Ok(self.database.write(durability, job).await?)
    }
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        check_message(&message.group, &message.deduplication_id, &message.body)?;
        self.on_queue(message.durability, move |engine, index, now| {
            send(engine, index, &message, now)
        })
        .await
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        let handle = ReceiptHandle::parse(receipt)?;
        let change = move |engine: &mut Engine, index: usize, now| {
            Ok(engine.queues[index].fifo.change_visibility(handle, visibility, now))
        };
        Ok(self.on_queue(Durability::Ordered, change).await??)
    }
}

#[async_trait]
impl EventSource for SqliteQueue {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, QueueError> {
        // Known without asking the thread, so that idle pumps cause no jobs.
        if !self.readiness.is_ready() {
            return Ok(Vec::new());
        }
        self.on_queue(Durability::Ordered, move |engine, index, now| {
            receive(engine, index, max, now)
        })
        .await
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        let handle = ReceiptHandle::parse(receipt)?;
        Ok(self
            .on_queue(Durability::Ordered, move |engine, index, now| {
                delete(engine, index, handle, now)
            })
            .await??)
    }

    async fn ready(&self) {
        self.readiness.wait().await;
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, QueueError> {
        let index = self.index;
        let list = move |engine: &mut Engine| {
            let dead = engine.queues[index].fifo.dead().take(limit);
            dead.map(|seq| queue_rows::dead_letter(&engine.connection, seq)).collect()
        };
        Ok(self.database.read(list).await?)
    }

    async fn redrive(&self) -> Result<usize, QueueError> {
        self.on_queue(Durability::Synced, |engine, index, _| redrive(engine, index)).await
    }
}

fn send(
    engine: &mut Engine,
    index: usize,
    message: &OutgoingMessage,
    now: Moment,
) -> rusqlite::Result<()> {
    if engine.queues[index].fifo.is_duplicate(&message.deduplication_id, now) {
        return Ok(());
    }
    let seq = engine.next_seq();
    let QueueIndex { name, fifo, .. } = &mut engine.queues[index];
    queue_rows::insert(&engine.connection, name, seq, message, engine.clock.now())?;
    fifo.remember(&message.deduplication_id, Duration::ZERO, now);
    fifo.append(seq, &message.group, 0);
    engine.written += message.body.len();
    Ok(())
}

fn receive(
    engine: &mut Engine,
    index: usize,
    max: usize,
    now: Moment,
) -> rusqlite::Result<Vec<Delivery>> {
    // The index changes before the rows do, here and below: see `Engine::is_ahead`.
    engine.is_ahead = true;
    let received = engine.queues[index].fifo.receive(max, now);
    for seq in received.dead {
        queue_rows::mark_dead(&engine.connection, seq)?;
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
    index: usize,
    handle: ReceiptHandle,
    now: Moment,
) -> rusqlite::Result<Result<(), StaleHandle>> {
    let found = engine.queues[index].fifo.find(handle, now);
    if let Ok(Some(seq)) = found {
        queue_rows::delete(&engine.connection, seq)?;
        engine.queues[index].fifo.remove(seq);
    }
    Ok(found.map(drop))
}

fn redrive(engine: &mut Engine, index: usize) -> rusqlite::Result<usize> {
    let dead: Vec<_> = engine.queues[index].fifo.dead().collect();
    revive(engine, index, &dead)?;
    Ok(dead.len())
}

/// Returns the dead letters among these ids, oldest first.
fn select_dead(engine: &Engine, index: usize, ids: &[String]) -> Vec<Seq> {
    let ids: BTreeSet<Seq> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    engine.queues[index].fifo.dead().filter(|seq| ids.contains(seq)).collect()
}

fn revive(engine: &mut Engine, index: usize, dead: &[Seq]) -> rusqlite::Result<()> {
    engine.is_ahead = true;
    for seq in dead {
        let new = engine.next_seq();
        let group = queue_rows::redrive(&engine.connection, *seq, new)?;
        let fifo = &mut engine.queues[index].fifo;
        fifo.remove_dead_letter(*seq);
        fifo.append(new, &group, 0);
    }
    engine.is_ahead = false;
    Ok(())
}
