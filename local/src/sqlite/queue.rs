//! The queues.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::memory::Readiness;
use shared::memory::fifo::{Handle, Moment, Seq, Stale, Taken};
use shared::memory::limits::check_message;
use shared::ports::{DeadLetter, Delivery, Durability, EventSource, Outgoing, Queue, QueueError, Receipt};

use super::engine::Engine;
use super::queue_index::QueueIndex;
use super::{Database, queue_rows};

/// A FIFO queue on `SQLite`.
///
/// Messages, receive counts, dead letters and deduplication ids outlive the process; what is in flight when
/// the process ends is available again at the next start.
/// Visibility timeouts are measured on `tokio::time`.
#[derive(Debug, Clone)]
pub struct SqliteQueue {
    database: Database,
    place: usize,
    readiness: Arc<Readiness>,
}

impl SqliteQueue {
    pub(super) fn new(database: Database, place: usize, readiness: Arc<Readiness>) -> Self {
        Self { database, place, readiness }
    }

    /// Reads from the queue in the thread that owns it.
    pub(super) async fn look<T, W>(&self, work: W) -> Result<T, QueueError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine, usize, Moment) -> rusqlite::Result<T> + Send + 'static,
    {
        let (place, caller) = (self.place, self.readiness.now());
        let read = move |engine: &mut Engine| {
            let now = engine.queues[place].time(caller);
            work(engine, place, now)
        };
        Ok(self.database.read(read).await?)
    }

    /// Does one thing to the queue in the thread that owns it, and tells those who wait what comes next.
    pub(super) async fn act<T, W>(&self, durability: Durability, work: W) -> Result<T, QueueError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine, usize, Moment) -> rusqlite::Result<T> + Send + 'static,
    {
        let (place, caller) = (self.place, self.readiness.now());
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
    async fn send(&self, message: Outgoing) -> Result<(), QueueError> {
        check_message(&message.group, &message.deduplication_id, &message.body)?;
        self.act(message.durability, move |engine, place, now| send(engine, place, &message, now)).await
    }

    async fn change_visibility(&self, receipt: &Receipt, visibility: Duration) -> Result<(), QueueError> {
        let handle = Handle::parse(receipt)?;
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
        self.act(Durability::Ordered, move |engine, place, now| receive(engine, place, max, now)).await
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        let handle = Handle::parse(receipt)?;
        Ok(self.act(Durability::Ordered, move |engine, place, now| delete(engine, place, handle, now)).await??)
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

fn send(engine: &mut Engine, place: usize, message: &Outgoing, now: Moment) -> rusqlite::Result<()> {
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

fn receive(engine: &mut Engine, place: usize, max: usize, now: Moment) -> rusqlite::Result<Vec<Delivery>> {
    engine.is_ahead = true;
    let received = engine.queues[place].fifo.receive(max, now);
    for seq in received.dead {
        queue_rows::bury(&engine.connection, seq)?;
    }
    let taken = received.taken.iter().map(|taken| deliver(engine, taken)).collect::<Result<_, _>>()?;
    engine.is_ahead = false;
    Ok(taken)
}

fn deliver(engine: &Engine, taken: &Taken) -> rusqlite::Result<Delivery> {
    let body = queue_rows::receive(&engine.connection, taken.seq, taken.receive_count)?;
    Ok(Delivery {
        message_id: taken.seq.to_string(),
        group: taken.group.to_string(),
        body,
        receive_count: taken.receive_count,
        receipt: taken.handle.receipt(),
    })
}

fn delete(engine: &mut Engine, place: usize, handle: Handle, now: Moment) -> rusqlite::Result<Result<(), Stale>> {
    let found = engine.queues[place].fifo.find(handle, now);
    if let Ok(Some(seq)) = found {
        queue_rows::delete(&engine.connection, seq)?;
        engine.queues[place].fifo.remove(seq);
    }
    Ok(found.map(drop))
}

fn redrive(engine: &mut Engine, place: usize) -> rusqlite::Result<usize> {
    let dead: Vec<_> = engine.queues[place].fifo.dead().collect();
    revive(engine, place, &dead)?;
    Ok(dead.len())
}

/// Moves dead letters back, in their order.
pub(super) fn revive(engine: &mut Engine, place: usize, dead: &[Seq]) -> rusqlite::Result<()> {
    engine.is_ahead = true;
    for seq in dead {
        let new = engine.next_seq();
        let group = queue_rows::revive(&engine.connection, *seq, new)?;
        let fifo = &mut engine.queues[place].fifo;
        fifo.revive(*seq);
        fifo.append(new, &group, 0);
    }
    engine.is_ahead = false;
    Ok(())
}
