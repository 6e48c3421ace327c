//! Messages through the queue, and what became of them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use shared::domain::Principal;
use shared::operator::calls::{self, MOST_MESSAGES};
use shared::operator::{
    LookupRequest, LookupResponse, MessageStatus, SubmitRequest, SubmitResponse,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Operator;
use super::answer::{Answer, Problem, json_of};
use super::asked::Json;

const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// A final can be read a moment before its event is published; whoever waits looks again after this
/// time at the latest.
const LOOK: Duration = Duration::from_secs(1);

/// `POST /admin/api/messages`.
pub(super) async fn submit(
    State(operator): State<Arc<Operator>>,
    Json(asked): Json<SubmitRequest>,
) -> Answer {
    let SubmitRequest { principal, messages } = asked;
    check_operator(&principal)?;
    check_number(messages.len())?;
    let mut submitted = Vec::with_capacity(messages.len());
    for message in messages {
        submitted.push(
            calls::submit(operator.requests.as_ref(), operator.clock.now(), &principal, message)
                .await?,
        );
    }
    Ok(json_of(StatusCode::ACCEPTED, &SubmitResponse { messages: submitted }))
}

/// `POST /admin/api/messages/lookup`.
pub(super) async fn lookup(
    State(operator): State<Arc<Operator>>,
    Json(asked): Json<LookupRequest>,
) -> Answer {
    let LookupRequest { messages, wait_ms } = asked;
    check_number(messages.len())?;
    let until = Instant::now() + Duration::from_millis(wait_ms).min(LONGEST_WAIT);
    let mut published = operator.events.subscribe();
    loop {
        let outcomes = calls::outcomes(&operator.store, &messages).await?;
        let is_done = outcomes.iter().any(|outcome| matches!(outcome, MessageStatus::Done { .. }));
        if is_done || !wait(&mut published, until).await {
            return Ok(json_of(StatusCode::OK, &LookupResponse { messages: outcomes }));
        }
    }
}

/// Refuses everybody but operators.
pub(super) fn check_operator(principal: &Principal) -> Answer<()> {
    if principal.is_operator() {
        Ok(())
    } else {
        Err(Problem::field("principal", "must be op:<name>"))
    }
}

/// Waits until something was published, or a moment; tells whether it is worth looking again.
pub(super) async fn wait(published: &mut watch::Receiver<()>, until: Instant) -> bool {
    if Instant::now() >= until {
        return false;
    }
    let look = until.min(Instant::now() + LOOK);
    // Woken or not, it is worth looking.
    drop(timeout_at(look, published.changed()).await);
    true
}

/// Holds a call to as many messages as it may have.
pub(super) fn check_number(messages: usize) -> Answer<()> {
    if (1..=MOST_MESSAGES).contains(&messages) {
        Ok(())
    } else {
        Err(Problem::field("messages", "must be 1 to 100"))
    }
}
