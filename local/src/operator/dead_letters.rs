//! What nobody could handle, and the ways out.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use shared::operator::{DeadLetters, QueueName, RedriveRequest, RedriveResponse, calls};

use super::Operator;
use super::answer::{Answer, Problem, json_of};
use super::asked::{Asked, Json};
use crate::sqlite::SqliteQueue;

const MOST: usize = 1_000;

#[derive(Deserialize)]
pub(super) struct LetterQuery {
    limit: Option<usize>,
}

/// What was asked for, done to a queue.
type Act =
    fn(
        Arc<SqliteQueue>,
        Vec<String>,
    ) -> futures::future::BoxFuture<'static, Result<Vec<String>, shared::ports::QueueError>>;

/// `GET /admin/api/dead-letters`.
pub(super) async fn list(
    State(operator): State<Arc<Operator>>,
    Asked(LetterQuery { limit }): Asked<LetterQuery>,
) -> Answer {
    let limit = limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::field("limit", "must be 1 to 1000"));
    }
    let mut dead_letters = Vec::new();
    for name in QueueName::ALL {
        for (letter, sent_at) in operator.queue(name).letters(limit).await? {
            dead_letters
                .push(calls::dead_letter(&operator.store, name, letter, Some(sent_at)).await?);
        }
    }
    Ok(json_of(StatusCode::OK, &DeadLetters { dead_letters }))
}

/// `POST /admin/api/dead-letters/redrive`.
pub(super) async fn redrive(
    State(operator): State<Arc<Operator>>,
    Json(asked): Json<RedriveRequest>,
) -> Answer {
    act(&operator, asked, |queue, ids| Box::pin(async move { queue.redrive_only(ids).await })).await
}

/// `POST /admin/api/dead-letters/drop`.
pub(super) async fn remove(
    State(operator): State<Arc<Operator>>,
    Json(asked): Json<RedriveRequest>,
) -> Answer {
    act(&operator, asked, |queue, ids| Box::pin(async move { queue.drop_only(ids).await })).await
}

async fn act(operator: &Operator, asked: RedriveRequest, act: Act) -> Answer {
    let RedriveRequest { queue, ids, dry_run } = asked;
    let queue = operator.queue(queue);
    let there: Vec<String> =
        queue.letters(usize::MAX).await?.into_iter().map(|(letter, _)| letter.message_id).collect();
    let (wanted, missing) = match ids {
        Some(ids) => ids.into_iter().partition(|id| there.contains(id)),
        None => (there, Vec::new()),
    };
    let ids =
        if dry_run || wanted.is_empty() { wanted } else { act(Arc::clone(queue), wanted).await? };
    Ok(json_of(StatusCode::OK, &RedriveResponse { ids, missing }))
}

impl Operator {
    fn queue(&self, name: QueueName) -> &Arc<SqliteQueue> {
        match name {
            QueueName::Requests => &self.requests,
            QueueName::Replies => &self.replies,
        }
    }
}
