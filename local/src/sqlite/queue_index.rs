//! The queues' order and locks in memory.

use std::sync::Arc;

use rusqlite::Connection;
use shared::domain::Timestamp;
use shared::memory::fifo::{Fifo, Moment};
use shared::memory::{QueueSettings, Readiness};

use super::engine::Engine;
use super::queue_rows;

/// One queue, without its bodies.
pub(super) struct QueueIndex {
    pub(super) name: &'static str,
    pub(super) fifo: Fifo,
    readiness: Arc<Readiness>,
    /// The latest time that a caller has seen.
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

    /// Returns the time, which never goes back although callers overtake each other.
    pub(super) fn time(&mut self, caller: Moment) -> Moment {
        self.now = self.now.max(caller);
        self.now
    }

    /// Tells those who wait what comes next.
    pub(super) fn publish(&mut self) {
        self.readiness.publish(self.fifo.next(self.now));
    }

    /// Reads everything from the tables again; what is in flight stays so.
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

/// Loads a queue and gives it a place; one that has its place already is left as it is.
pub(super) fn register(
    engine: &mut Engine,
    mut index: QueueIndex,
) -> rusqlite::Result<(usize, Arc<Readiness>)> {
    if let Some(place) = engine.queues.iter().position(|known| known.name == index.name) {
        return Ok((place, Arc::clone(&engine.queues[place].readiness)));
    }
    index.reload(&engine.connection, engine.now())?;
    let readiness = Arc::clone(&index.readiness);
    engine.queues.push(index);
    Ok((engine.queues.len() - 1, readiness))
}
