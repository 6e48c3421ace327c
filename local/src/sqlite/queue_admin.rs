//! What operators see of a queue, and how they get dead letters out of it.

use shared::domain::Timestamp;
use shared::memory::fifo::{Load, Seq};
use shared::ports::{DeadLetter, Durability, QueueError};

use super::engine::Engine;
use super::{SqliteQueue, queue, queue_rows};

/// A dead letter, and when it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuriedMessage {
    /// The dead letter.
    pub letter: DeadLetter,
    /// When it was sent.
    pub sent_at: Timestamp,
}

impl SqliteQueue {
    /// Returns how much there is to do, and since when the oldest waits.
    pub async fn load(&self) -> Result<(Load, Option<Timestamp>), QueueError> {
        self.look(|engine, place, now| {
            let load = engine.queues[place].fifo.load(now);
            let sent_at = load.oldest.map(|seq| queue_rows::sent_at(&engine.connection, seq)).transpose()?;
            Ok((load, sent_at))
        })
        .await
    }

    /// Lists dead letters, oldest first, at most `limit`.
    pub async fn buried(&self, limit: usize) -> Result<Vec<BuriedMessage>, QueueError> {
        self.look(move |engine, place, _| {
            let dead: Vec<_> = engine.queues[place].fifo.dead().take(limit).collect();
            let one = |seq: Seq| {
                let letter = queue_rows::dead_letter(&engine.connection, seq)?;
                Ok(BuriedMessage { letter, sent_at: queue_rows::sent_at(&engine.connection, seq)? })
            };
            dead.into_iter().map(one).collect()
        })
        .await
    }

    /// Tells which of these ids are dead letters, in their order; all of them where none are named.
    pub async fn find_dead(&self, ids: Option<Vec<String>>) -> Result<Vec<String>, QueueError> {
        self.look(move |engine, place, _| Ok(names(&chosen(engine, place, ids.as_deref())))).await
    }

    /// Moves dead letters back in their order, behind the newer messages; returns the ids that they had.
    pub async fn redrive_dead(&self, ids: Option<Vec<String>>) -> Result<Vec<String>, QueueError> {
        let redrive = move |engine: &mut Engine, place: usize, _| {
            let dead = chosen(engine, place, ids.as_deref());
            queue::revive(engine, place, &dead)?;
            Ok(names(&dead))
        };
        self.act(Durability::Synced, redrive).await
    }

    /// Removes dead letters for good; returns the ids that they had.
    pub async fn drop_dead(&self, ids: Option<Vec<String>>) -> Result<Vec<String>, QueueError> {
        let remove = move |engine: &mut Engine, place: usize, _| {
            let dead = chosen(engine, place, ids.as_deref());
            engine.is_ahead = true;
            for seq in &dead {
                queue_rows::delete(&engine.connection, *seq)?;
                engine.queues[place].fifo.revive(*seq);
            }
            engine.is_ahead = false;
            Ok(names(&dead))
        };
        self.act(Durability::Synced, remove).await
    }
}

fn chosen(engine: &Engine, place: usize, ids: Option<&[String]>) -> Vec<Seq> {
    let dead = engine.queues[place].fifo.dead();
    match ids {
        None => dead.collect(),
        Some(ids) => {
            let wanted: std::collections::BTreeSet<Seq> = ids.iter().filter_map(|id| id.parse().ok()).collect();
            dead.filter(|seq| wanted.contains(seq)).collect()
        }
    }
}

fn names(dead: &[Seq]) -> Vec<String> {
    dead.iter().map(Seq::to_string).collect()
}
