//! Notifier and push: scenarios 31 to 40.

mod batches;
mod deaths;
mod events;
mod finals;
mod large;
mod pushes;

use shared::ports::Delivery;
use shared::protocol::TurnState;
use simulation::stage::{Actor, Stage};

use super::{line, replies};

/// Sends messages, and lets a worker answer each; their finals are queued, and nobody has looked at
/// them.
async fn answered(stage: &Stage, actor: &Actor, ids: &[&str]) {
    for id in ids {
        actor.say(id).await.unwrap();
        let request = stage.request().await;
        stage.answer(&request).await;
    }
}

/// Returns how far the turns of a session are.
async fn states(stage: &Stage, actor: &Actor) -> Vec<TurnState> {
    let mut states = Vec::new();
    while let Some(turn) = stage.turn(actor, u64::try_from(states.len() + 1).unwrap()).await {
        states.push(turn.state);
    }
    states
}

/// Returns where in a batch the records of a session are.
fn places(batch: &[Delivery], actor: &Actor) -> Vec<usize> {
    (0..batch.len()).filter(|at| batch[*at].group == actor.key.as_str()).collect()
}

/// Returns how often the most published event was published, and how many there are.
fn events(stage: &Stage) -> (usize, usize) {
    let ids = stage.event_ids();
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    let most = distinct.iter().map(|id| ids.iter().filter(|other| *other == id).count()).max();
    (most.unwrap_or(0), distinct.len())
}
