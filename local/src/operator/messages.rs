//! Messages that operators send through the queue, and their results.

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
use super::extract::JsonBody;
use super::response::{OperatorResult, Problem, json_response};

const MAX_WAIT: Duration = Duration::from_secs(20);
/// How often a waiting call looks again even without an event. Turns become readable a moment
/// before their event is published, so a wake-up could be missed.
const RECHECK_INTERVAL: Duration = Duration::from_secs(1);

/// `POST /admin/api/messages`.
pub(super) async fn submit(
    State(operator): State<Arc<Operator>>,
    JsonBody(request): JsonBody<SubmitRequest>,
) -> OperatorResult {
    let SubmitRequest { principal, messages } = request;
    check_operator(&principal)?;
    check_message_count(messages.len())?;
    let mut submitted = Vec::with_capacity(messages.len());
    for message in messages {
        submitted.push(
            calls::submit(operator.requests.as_ref(), operator.clock.now(), &principal, message)
                .await?,
        );
    }
    Ok(json_response(StatusCode::ACCEPTED, &SubmitResponse { messages: submitted }))
}

/// `POST /admin/api/messages/lookup`.
pub(super) async fn lookup(
    State(operator): State<Arc<Operator>>,
    JsonBody(request): JsonBody<LookupRequest>,
) -> OperatorResult {
    let LookupRequest { messages, wait_ms } = request;
    check_message_count(messages.len())?;
    let until = Instant::now() + Duration::from_millis(wait_ms).min(MAX_WAIT);
    let mut published = operator.events.subscribe();
    loop {
        let outcomes = calls::outcomes(&operator.store, &messages).await?;
        let is_done = outcomes.iter().any(|outcome| matches!(outcome, MessageStatus::Done { .. }));
        if is_done || !wait(&mut published, until).await {
            return Ok(json_response(StatusCode::OK, &LookupResponse { messages: outcomes }));
        }
    }
}

/// Rejects principals that are not operators.
pub(super) fn check_operator(principal: &Principal) -> OperatorResult<()> {
    if principal.is_operator() {
        Ok(())
    } else {
        Err(Problem::field("principal", "must be op:<name>"))
    }
}

/// Waits until an event is published, for at most [`RECHECK_INTERVAL`]; returns `false` after
/// `until`.
pub(super) async fn wait(published: &mut watch::Receiver<()>, until: Instant) -> bool {
    if Instant::now() >= until {
        return false;
    }
    let look = until.min(Instant::now() + RECHECK_INTERVAL);
    // Look again in either case: after an event, and after a timeout.
    drop(timeout_at(look, published.changed()).await);
    true
}

/// Checks the number of messages of a call.
pub(super) fn check_message_count(messages: usize) -> OperatorResult<()> {
    if (1..=MOST_MESSAGES).contains(&messages) {
        Ok(())
    } else {
        Err(Problem::field("messages", "must be 1 to 100"))
    }
}
