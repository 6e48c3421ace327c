//! Dead letters: messages that could not be handled.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use shared::operator::{DeadLetters, QueueName, RedriveRequest, RedriveResponse, calls};

use super::Operator;
use super::extract::{JsonBody, QueryParams};
use super::response::{OperatorResult, Problem, json_response};
use crate::sqlite::SqliteQueue;

const MAX_LIMIT: usize = 1_000;

#[derive(Deserialize)]
pub(super) struct DeadLetterQuery {
    limit: Option<usize>,
}

/// Redrives or drops the dead letters with these ids.
type Action =
    fn(
        Arc<SqliteQueue>,
        Vec<String>,
    ) -> futures::future::BoxFuture<'static, Result<Vec<String>, shared::ports::QueueError>>;

/// `GET /admin/api/dead-letters`.
pub(super) async fn list(
    State(operator): State<Arc<Operator>>,
    QueryParams(DeadLetterQuery { limit }): QueryParams<DeadLetterQuery>,
) -> OperatorResult {
    let limit = limit.unwrap_or(100);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::field("limit", "must be 1 to 1000"));
    }
    let mut dead_letters = Vec::new();
    for name in QueueName::ALL {
        for (letter, sent_at) in operator.queue(name).list_dead_letters(limit).await? {
            dead_letters
                .push(calls::dead_letter(&operator.store, name, letter, Some(sent_at)).await?);
        }
    }
    Ok(json_response(StatusCode::OK, &DeadLetters { dead_letters }))
}

/// `POST /admin/api/dead-letters/redrive`.
pub(super) async fn redrive(
    State(operator): State<Arc<Operator>>,
    JsonBody(request): JsonBody<RedriveRequest>,
) -> OperatorResult {
    apply(&operator, request, |queue, ids| {
        Box::pin(async move { queue.redrive_dead_letters(ids).await })
    })
    .await
}

/// `POST /admin/api/dead-letters/drop`.
pub(super) async fn remove(
    State(operator): State<Arc<Operator>>,
    JsonBody(request): JsonBody<RedriveRequest>,
) -> OperatorResult {
    apply(&operator, request, |queue, ids| {
        Box::pin(async move { queue.drop_dead_letters(ids).await })
    })
    .await
}

async fn apply(operator: &Operator, request: RedriveRequest, action: Action) -> OperatorResult {
    let RedriveRequest { queue, ids, dry_run } = request;
    let queue = operator.queue(queue);
    let existing: Vec<String> = queue
        .list_dead_letters(usize::MAX)
        .await?
        .into_iter()
        .map(|(letter, _)| letter.message_id)
        .collect();
    let (wanted, missing) = match ids {
        Some(ids) => ids.into_iter().partition(|id| existing.contains(id)),
        None => (existing, Vec::new()),
    };
    let ids = if dry_run || wanted.is_empty() {
        wanted
    } else {
        action(Arc::clone(queue), wanted).await?
    };
    Ok(json_response(StatusCode::OK, &RedriveResponse { ids, missing }))
}

impl Operator {
    fn queue(&self, name: QueueName) -> &Arc<SqliteQueue> {
        match name {
            QueueName::Requests => &self.requests,
            QueueName::Replies => &self.replies,
        }
    }
}
