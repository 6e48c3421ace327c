//! Why a message is among the dead letters.

use serde_json::Value;

use super::{row, session};
use crate::domain::{MessageId, SessionKey, Timestamp};
use crate::operator::{DeadLetterView, QueueName};
use crate::ports::DeadLetter;
use crate::ports::store::{Store, StoreError};
use crate::protocol::{MessageRow, Turn, keys};
use crate::queue_messages::{BodyError, ReplyMessage, RequestMessage};

/// What can be read of a body.
struct Facts {
    r#type: Option<String>,
    v: Option<u64>,
    session_key: Option<SessionKey>,
    message_id: Option<MessageId>,
}

impl Facts {
    /// A producer's message names its session otherwise: its group is its session's key.
    fn of(body: &str, group: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |field: &str| value[field].as_str().map(str::to_owned);
        let key = |text: String| SessionKey::parse(text).ok();
        Self {
            r#type: text("type"),
            v: value["v"].as_u64(),
            session_key: text("session_key").and_then(key).or_else(|| key(group.to_owned())),
            message_id: text("message_id").and_then(|id| MessageId::parse(id).ok()),
        }
    }
}

/// Returns a dead letter with what its body and the session's rows tell of it.
pub async fn dead_letter(
    store: &dyn Store,
    queue: QueueName,
    letter: DeadLetter,
    sent_at: Option<Timestamp>,
) -> Result<DeadLetterView, StoreError> {
    let DeadLetter { message_id: id, group, body, receive_count } = letter;
    let facts = Facts::of(&body, &group);
    let problem = match queue {
        QueueName::Requests => RequestMessage::parse(&body).err(),
        QueueName::Replies => ReplyMessage::parse(&body).err(),
    };
    let reason = match problem {
        Some(BodyError::Version(v)) => {
            format!(
                "its version {v} is not known to this program: redrive it once a newer one runs"
            )
        }
        Some(BodyError::Malformed(problem)) => format!("its body cannot be read: {problem}"),
        None => fate(store, &facts, receive_count).await?,
    };
    let Facts { r#type, v, session_key, message_id } = facts;
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
async fn fate(store: &dyn Store, facts: &Facts, receives: u32) -> Result<String, StoreError> {
    let tried = format!("it was received {receives} times");
    let Some(key) = &facts.session_key else { return Ok(tried) };
    if session(store, key).await?.is_none_or(|session| session.deleted) {
        return Ok(format!("{tried}; its session is gone, so that a redrive does nothing"));
    }
    let Some(id) = &facts.message_id else { return Ok(tried) };
    let message: Option<MessageRow> = row(store, keys::message(key, id)).await?;
    let Some(turn) = message.and_then(|message| message.turn) else {
        return Ok(format!("{tried}; it has no turn yet, and a redrive gives it the next one"));
    };
    Ok(match row::<Turn>(store, keys::turn(key, turn)).await? {
        Some(row) if row.is_final() => {
            format!("{tried}; its turn {turn} has its final, and a redrive changes nothing")
        }
        Some(_) => format!("{tried}; its turn {turn} is running, and a redrive tries it once more"),
        None => format!("{tried}; its turn {turn} is gone"),
    })
}
