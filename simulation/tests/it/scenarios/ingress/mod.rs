//! Ingress: scenarios 1 to 9.

mod limits;
mod order;
mod queue;
mod repeats;
mod strangers;

use simulation::scenario::{Scenario, ScenarioUser};

/// Returns the ids of a session's messages in the order of their turns, as its owner reads them.
async fn order(user: &ScenarioUser) -> Vec<String> {
    let history = user.account.history(&user.session, 0, 100).await.unwrap();
    history.turns.into_iter().map(|turn| turn.message_id).collect()
}

/// Tells whether a message is recorded.
async fn is_recorded(scenario: &Scenario, user: &ScenarioUser, id: &str) -> bool {
    scenario.rows(user).await.iter().any(|row| row.key.sort == format!("M#{id}"))
}
