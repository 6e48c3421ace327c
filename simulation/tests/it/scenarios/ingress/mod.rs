//! Ingress: scenarios 1 to 9.

mod limits;
mod order;
mod queue;
mod repeats;
mod strangers;

use simulation::stage::{Actor, Stage};

/// Returns the ids of a session's messages in the order of their turns, as its owner reads them.
async fn order(actor: &Actor) -> Vec<String> {
    let history = actor.account.history(&actor.session, 0, 100).await.unwrap();
    history.turns.into_iter().map(|turn| turn.message_id).collect()
}

/// Tells whether a message is recorded.
async fn is_recorded(stage: &Stage, actor: &Actor, id: &str) -> bool {
    stage.rows(actor).await.iter().any(|row| row.key.sort == format!("M#{id}"))
}
