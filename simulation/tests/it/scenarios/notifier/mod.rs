//! Notifier and push: scenarios 31 to 40.

mod batches;
mod deaths;
mod events;
mod finals;
mod large;
mod pushes;

use shared::ports::Delivery;
use shared::protocol::TurnState;
use simulation::scenario::{Scenario, ScenarioUser};

use super::{line, replies};

/// Sends messages, and lets a worker answer each; their finals are queued, and nobody has looked at
/// them.
async fn answered(scenario: &Scenario, user: &ScenarioUser, ids: &[&str]) {
    for id in ids {
        user.say(id).await.unwrap();
        let request = scenario.request().await;
        scenario.answer(&request).await;
    }
}

/// Returns how far the turns of a session are.
async fn states(scenario: &Scenario, user: &ScenarioUser) -> Vec<TurnState> {
    let mut states = Vec::new();
    while let Some(turn) = scenario.turn(user, u64::try_from(states.len() + 1).unwrap()).await {
        states.push(turn.state);
    }
    states
}

/// Returns where in a batch the records of a session are.
fn places(batch: &[Delivery], user: &ScenarioUser) -> Vec<usize> {
    (0..batch.len()).filter(|at| batch[*at].group == user.key.as_str()).collect()
}

/// Returns how often the most published event was published, and how many there are.
fn events(scenario: &Scenario) -> (usize, usize) {
    let ids = scenario.event_ids();
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    let most = distinct.iter().map(|id| ids.iter().filter(|other| *other == id).count()).max();
    (most.unwrap_or(0), distinct.len())
}
