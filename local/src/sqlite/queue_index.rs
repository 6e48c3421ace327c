//! The in-memory index of a queue: the order of its messages, and which groups are blocked.
//!
//! The rows in `messages` are the truth about which messages exist, with their receive counts and
//! deduplication ids. The index is derived from them when the queue is loaded, and answers in
//! memory what a query would have to scan for: the next message whose group has none in flight.
//! What is in flight exists only here. It is lost with the process on purpose: a new process starts
//! with all messages available, since no handler of the old one is left to finish them.
//!
//! The index lives in the writer's thread and is changed together with the rows in one job, so it
//! needs no lock. If a batch is rolled back, its rows change under the index, and
//! [`QueueIndex::reload`] rebuilds it. The flights are carried over then: the handlers in this
//! process still run, and their messages must not be delivered to others meanwhile.
//!
//! Receivers do not poll the thread. After every operation the index publishes when its next
//! message will be available, and [`Readiness`] wakes them at that time.

use std::sync::Arc;

use rusqlite::Connection;
use shared::domain::Timestamp;
use shared::fifo::{Fifo, Moment};
use shared::fifo::{QueueSettings, Readiness};

use super::engine::Engine;
use super::queue_rows;

/// The index of one queue, without the messages' bodies.
pub(super) struct QueueIndex {
    pub(super) name: &'static str,
    pub(super) fifo: Fifo,
    readiness: Arc<Readiness>,
    /// The latest time that any caller has passed.
    now: Moment,
}

impl QueueIndex {
    pub(super) fn new(
        name: &'static str,
        settings: QueueSettings,
        readiness: Arc<Readiness>,
    ) -> Self {
        let now = readiness.now();
        Self { name, fifo: Fifo::new(settings), readiness, now }
    }

    /// Returns the current time of the queue.
    ///
    /// Callers read the clock before their jobs are queued, and can overtake each other. Taking the
    /// maximum keeps the queue's time from running backwards, which would make messages that have
    /// become visible invisible again.
    pub(super) fn time(&mut self, caller: Moment) -> Moment {
        self.now = self.now.max(caller);
        self.now
    }

    /// Publishes when the next message is available.
    pub(super) fn publish(&mut self) {
        self.readiness.publish(self.fifo.next(self.now));
    }

    /// Rebuilds the index from the rows; messages in flight stay in flight.
    pub(super) fn reload(
        &mut self,
        connection: &Connection,
        today: Timestamp,
    ) -> rusqlite::Result<()> {
        let mut fifo = Fifo::new(self.fifo.settings());
        queue_rows::load(connection, self.name, &mut fifo)?;
        let since = today.minus(fifo.settings().dedup_window);
        queue_rows::load_deduplication(connection, self.name, since, |id, sent_at| {
            fifo.remember(id, today.since(sent_at), self.now);
        })?;
        fifo.adopt_flights(&self.fifo);
        self.fifo = fifo;
        self.publish();
        Ok(())
    }
}

/// Loads a queue and returns its index in [`Engine::queues`]. A queue that is loaded already keeps
/// its state.
pub(super) fn register(
    engine: &mut Engine,
    mut queue: QueueIndex,
) -> rusqlite::Result<(usize, Arc<Readiness>)> {
    if let Some(index) = engine.queues.iter().position(|known| known.name == queue.name) {
        return Ok((index, Arc::clone(&engine.queues[index].readiness)));
    }
    queue.reload(&engine.connection, engine.now())?;
    let readiness = Arc::clone(&queue.readiness);
    engine.queues.push(queue);
    Ok((engine.queues.len() - 1, readiness))
}
