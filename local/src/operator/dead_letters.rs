//! What nobody could handle, and the ways out.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use shared::domain::{MessageId, SessionKey, Timestamp};
use shared::operator::{DeadLetterView, DeadLetters, QueueName, RedriveRequest, RedriveResponse};
use shared::ports::DeadLetter;
use shared::protocol::{MessageRow, SessionRow, TurnRow, keys};
use shared::queue_messages::{BodyError, ReplyMessage, RequestMessage};

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
type Act = fn(
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
            dead_letters.push(operator.view(name, letter, sent_at).await?);
        }
    }
    Ok(json_of(StatusCode::OK, &DeadLetters { dead_letters }))
}

/// `POST /admin/api/dead-letters/redrive`.
pub(super) async fn redrive(State(operator): State<Arc<Operator>>, Json(asked): Json<RedriveRequest>) -> Answer {
    act(&operator, asked, |queue, ids| Box::pin(async move { queue.redrive_only(ids).await })).await
}

/// `POST /admin/api/dead-letters/drop`.
pub(super) async fn remove(State(operator): State<Arc<Operator>>, Json(asked): Json<RedriveRequest>) -> Answer {
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
    let ids = if dry_run || wanted.is_empty() { wanted } else { act(Arc::clone(queue), wanted).await? };
    Ok(json_of(StatusCode::OK, &RedriveResponse { ids, missing }))
}

/// What can be read of a body.
struct Facts {
    r#type: Option<String>,
    v: Option<u64>,
    session_key: Option<SessionKey>,
    message_id: Option<MessageId>,
}

impl Facts {
    fn of(body: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |field: &str| value[field].as_str().map(str::to_owned);
        Self {
            r#type: text("type"),
            v: value["v"].as_u64(),
            session_key: text("session_key").and_then(|key| SessionKey::parse(key).ok()),
            message_id: text("message_id").and_then(|id| MessageId::parse(id).ok()),
        }
    }
}

impl Operator {
    fn queue(&self, name: QueueName) -> &Arc<SqliteQueue> {
        match name {
            QueueName::Requests => &self.requests,
            QueueName::Replies => &self.replies,
        }
    }

    async fn view(&self, queue: QueueName, letter: DeadLetter, sent_at: Timestamp) -> Answer<DeadLetterView> {
        let mut facts = Facts::of(&letter.body);
        // A producer's message names its session otherwise: its group is its session's key.
        let group = || SessionKey::parse(letter.group.clone()).ok();
        facts.session_key = facts.session_key.or_else(group);
        let problem = match queue {
            QueueName::Requests => RequestMessage::parse(&letter.body).err(),
            QueueName::Replies => ReplyMessage::parse(&letter.body).err(),
        };
        let reason = match problem {
            Some(BodyError::Version(v)) => {
                format!("its version {v} is not known to this program: redrive it once a newer one runs")
            }
            Some(BodyError::Malformed(problem)) => format!("its body cannot be read: {problem}"),
            None => self.fate(&facts, letter.receive_count).await?,
        };
        let DeadLetter { message_id: id, group, body, receive_count } = letter;
        let Facts { r#type, v, session_key, message_id } = facts;
        let sent_at = Some(sent_at);
        Ok(DeadLetterView {
            queue,
            id,
            group,
            r#type,
            v,
            session_key,
            message_id,
            receive_count,
            sent_at,
            reason,
            body,
        })
    }

    /// Tells from the session's rows what became of a message that was received too often.
    async fn fate(&self, facts: &Facts, receives: u32) -> Answer<String> {
        let tried = format!("it was received {receives} times");
        let Some(key) = &facts.session_key else { return Ok(tried) };
        let session = self.rows::<SessionRow>(&[keys::session(key)]).await?.pop().flatten();
        if session.is_none_or(|session| session.deleted) {
            return Ok(format!("{tried}; its session is gone, so that a redrive does nothing"));
        }
        let Some(id) = &facts.message_id else { return Ok(tried) };
        let message = self.rows::<MessageRow>(&[keys::message(key, id)]).await?.pop().flatten();
        let Some(turn) = message.and_then(|message| message.turn) else {
            return Ok(format!("{tried}; it has no turn yet, and a redrive gives it the next one"));
        };
        let row = self.rows::<TurnRow>(&[keys::turn(key, turn)]).await?.pop().flatten();
        Ok(match row {
            Some(row) if row.is_final() => {
                format!("{tried}; its turn {turn} has its final, and a redrive changes nothing")
            }
            Some(_) => format!("{tried}; its turn {turn} is running, and a redrive tries it once more"),
            None => format!("{tried}; its turn {turn} is gone"),
        })
    }
}
