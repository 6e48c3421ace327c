//! Messages through the queue, and what became of them.

use super::rows;
use crate::domain::{Principal, SessionKey, Timestamp, TurnNumber};
use crate::operator::{MessageRef, MessageStatus, NewMessage, SubmitResult, TurnView};
use crate::ports::store::{Store, StoreError};
use crate::ports::{Queue, QueueError};
use crate::protocol::{MessageRow, Turn, keys};
use crate::queue_messages::Submit;

/// The most messages of one call.
pub const MOST_MESSAGES: usize = 100;
/// What does not fit an answer is told the next time: until then it runs.
const MOST_BYTES: usize = 4_000_000;

/// Puts one message on the queue; one that can never be sent is a problem of its own, not of the
/// others.
pub async fn submit(
    requests: &dyn Queue,
    now: Timestamp,
    principal: &Principal,
    message: NewMessage,
) -> Result<SubmitResult, QueueError> {
    let session_key = SessionKey::derive(principal, &message.session_id);
    let pointer = MessageRef { session_key, message_id: message.message_id.clone() };
    if let Some(problem) = message.replay.as_deref().and_then(|replay| replay.check().err()) {
        return Ok(SubmitResult { pointer, problem: Some(problem.to_string()) });
    }
    let submit = Submit {
        principal: principal.clone(),
        session_id: message.session_id,
        message_id: message.message_id,
        accepted_at: now,
        message: message.message,
        document_id: message.document_id,
        provider: message.provider,
        trace: None,
        replay: message.replay,
    };
    match requests.send(submit.outgoing()).await {
        Ok(()) => Ok(SubmitResult { pointer, problem: None }),
        Err(QueueError::Refused(problem)) => Ok(SubmitResult { pointer, problem: Some(problem) }),
        Err(error) => Err(error),
    }
}

/// Returns how far each message is, in their order.
pub async fn outcomes(
    store: &dyn Store,
    messages: &[MessageRef],
) -> Result<Vec<MessageStatus>, StoreError> {
    let message_keys: Vec<_> = messages
        .iter()
        .map(|pointer| keys::message(&pointer.session_key, &pointer.message_id))
        .collect();
    let message_rows: Vec<Option<MessageRow>> = rows(store, &message_keys).await?;
    let turn_of = |row: &Option<MessageRow>| row.as_ref().and_then(|row| row.turn);
    let claimed: Vec<_> = messages
        .iter()
        .zip(message_rows.iter().map(turn_of))
        .filter_map(|(pointer, turn): (_, Option<TurnNumber>)| {
            Some(keys::turn(&pointer.session_key, turn?))
        })
        .collect();
    let mut turns = rows::<Turn>(store, &claimed).await?.into_iter();
    let mut bytes = 0;
    let outcome_of = |row: &Option<MessageRow>| match (row, turn_of(row)) {
        (None, _) => MessageStatus::Unknown,
        (Some(_), None) => MessageStatus::Waiting,
        (Some(_), Some(_)) => outcome(turns.next().flatten(), &mut bytes),
    };
    Ok(message_rows.iter().map(outcome_of).collect())
}

fn outcome(turn: Option<Turn>, bytes: &mut usize) -> MessageStatus {
    let Some(turn) = turn else { return MessageStatus::Unknown };
    let Some(end) = turn.as_final().filter(|_| *bytes <= MOST_BYTES) else {
        return MessageStatus::Running;
    };
    *bytes += end.outcome.result.text().len() + turn.message.as_str().len();
    MessageStatus::Done { turn: Box::new(TurnView::from(turn)) }
}
