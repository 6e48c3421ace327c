//! Dead letters: what nobody could handle, and the ways out.

use axum::body::Bytes;
use axum::extract::{Query, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use shared::domain::{MessageId, Principal, SessionId, SessionKey};
use shared::operator::{DeadLetterView, DeadLetters, QueueName, RedriveRequest, RedriveResponse};
use shared::queue_messages::{ReplyMessage, RequestMessage};

use super::answer::{Answer, Problem, json, read};
use super::{Operator, Shared};
use crate::sqlite::{BuriedMessage, SqliteQueue};

const DEFAULT: usize = 100;
const MOST: usize = 1_000;

/// How many.
#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    limit: Option<usize>,
}

/// `GET /admin/api/dead-letters`.
pub(super) async fn dead_letters(State(operator): Shared, Query(query): Query<ListQuery>) -> Answer {
    let limit = query.limit.unwrap_or(DEFAULT);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::field("limit", format!("must be from 1 to {MOST}")));
    }
    let mut letters = Vec::new();
    for queue in QueueName::ALL {
        let buried = of(&operator, queue).buried(limit).await?;
        letters.extend(buried.into_iter().map(|buried| view(queue, buried)));
    }
    letters.sort_by_key(|letter| letter.sent_at);
    Ok(json(StatusCode::OK, &DeadLetters { dead_letters: letters }))
}

/// `POST /admin/api/dead-letters/redrive`.
pub(super) async fn redrive(State(operator): Shared, body: Bytes) -> Answer {
    let request: RedriveRequest = read(&body)?;
    let queue = of(&operator, request.queue);
    let wanted = request.ids.clone();
    let ids = if request.dry_run { queue.find_dead(wanted).await? } else { queue.redrive_dead(wanted).await? };
    Ok(done(&request, ids))
}

/// `POST /admin/api/dead-letters/drop`.
pub(super) async fn drop_letters(State(operator): Shared, body: Bytes) -> Answer {
    let request: RedriveRequest = read(&body)?;
    let queue = of(&operator, request.queue);
    let wanted = request.ids.clone();
    let ids = if request.dry_run { queue.find_dead(wanted).await? } else { queue.drop_dead(wanted).await? };
    Ok(done(&request, ids))
}

fn done(request: &RedriveRequest, ids: Vec<String>) -> axum::response::Response {
    let asked = request.ids.iter().flatten();
    let missing = asked.filter(|id| !ids.contains(id)).cloned().collect();
    json(StatusCode::OK, &RedriveResponse { ids, missing })
}

fn of(operator: &Operator, queue: QueueName) -> &SqliteQueue {
    match queue {
        QueueName::Requests => &operator.requests,
        QueueName::Replies => &operator.replies,
    }
}

fn view(queue: QueueName, buried: BuriedMessage) -> DeadLetterView {
    let BuriedMessage { letter, sent_at } = buried;
    let body: Value = serde_json::from_str(&letter.body).unwrap_or_default();
    let text = |field: &str| body[field].as_str();
    let problem = match queue {
        QueueName::Requests => RequestMessage::parse(&letter.body).err(),
        QueueName::Replies => ReplyMessage::parse(&letter.body).err(),
    };
    DeadLetterView {
        queue,
        r#type: text("type").map(str::to_owned),
        v: body["v"].as_u64(),
        session_key: text("session_key").and_then(|key| SessionKey::parse(key).ok()).or_else(|| submitted(&body)),
        message_id: text("message_id").and_then(|id| MessageId::parse(id).ok()),
        receive_count: letter.receive_count,
        sent_at: Some(sent_at),
        reason: match problem {
            Some(problem) => format!("it cannot be read: {problem}"),
            None => {
                format!("it was received {} times without success; the log says why each failed", letter.receive_count)
            }
        },
        id: letter.message_id,
        group: letter.group,
        body: letter.body,
    }
}

/// A `submit` names its session by whose it is.
fn submitted(body: &Value) -> Option<SessionKey> {
    let principal = Principal::parse(body["principal"].as_str()?).ok()?;
    let session = SessionId::parse(body["session_id"].as_str()?).ok()?;
    Some(SessionKey::derive(&principal, &session))
}
