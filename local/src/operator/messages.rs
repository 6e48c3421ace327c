//! Messages through the queue, and what became of them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use shared::domain::{Principal, SessionKey, Turn};
use shared::operator::{
    Lookup, LookupRequest, Message, Outcome, Pointer, SubmitRequest, SubmitResponse, Submitted, TurnView,
};
use shared::ports::store::Item;
use shared::ports::{Queue as _, QueueError, Store as _};
use shared::protocol::{MessageRow, TurnRow, keys};
use shared::queue_messages::Submit;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Operator;
use super::answer::{Answer, Problem, json_of};
use super::asked::Json;

const MOST: usize = 100;
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// A final can be read a moment before its event is published; whoever waits looks again after this time at the latest.
const LOOK: Duration = Duration::from_secs(1);
/// What does not fit an answer is told the next time: until then it runs.
const MOST_BYTES: usize = 4_000_000;

/// `POST /admin/api/messages`.
pub(super) async fn submit(State(operator): State<Arc<Operator>>, Json(asked): Json<SubmitRequest>) -> Answer {
    let SubmitRequest { principal, messages } = asked;
    check_operator(&principal)?;
    check_number(messages.len())?;
    let mut submitted = Vec::with_capacity(messages.len());
    for message in messages {
        submitted.push(operator.send(&principal, message).await?);
    }
    Ok(json_of(StatusCode::ACCEPTED, &SubmitResponse { messages: submitted }))
}

/// `POST /admin/api/messages/lookup`.
pub(super) async fn lookup(State(operator): State<Arc<Operator>>, Json(asked): Json<LookupRequest>) -> Answer {
    let LookupRequest { messages, wait_ms } = asked;
    check_number(messages.len())?;
    let until = Instant::now() + Duration::from_millis(wait_ms).min(LONGEST_WAIT);
    let mut published = operator.events.subscribe();
    loop {
        let outcomes = operator.outcomes(&messages).await?;
        let is_done = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Done { .. }));
        if is_done || !wait(&mut published, until).await {
            return Ok(json_of(StatusCode::OK, &Lookup { messages: outcomes }));
        }
    }
}

/// Refuses everybody but operators.
pub(super) fn check_operator(principal: &Principal) -> Answer<()> {
    if principal.is_operator() { Ok(()) } else { Err(Problem::field("principal", "must be op:<name>")) }
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

fn check_number(messages: usize) -> Answer<()> {
    if (1..=MOST).contains(&messages) { Ok(()) } else { Err(Problem::field("messages", "must be 1 to 100")) }
}

impl Operator {
    /// Puts one message on the queue; one that can never be sent is a problem of its own, not of the others.
    async fn send(&self, principal: &Principal, message: Message) -> Answer<Submitted> {
        let session_key = SessionKey::derive(principal, &message.session_id);
        let pointer = Pointer { session_key, message_id: message.message_id.clone() };
        if let Some(problem) = message.replay.as_deref().and_then(|replay| replay.check().err()) {
            return Ok(Submitted { pointer, problem: Some(problem.to_string()) });
        }
        let submit = Submit {
            principal: principal.clone(),
            session_id: message.session_id,
            message_id: message.message_id,
            accepted_at: self.clock.now(),
            message: message.message,
            document_id: message.document_id,
            provider: message.provider,
            trace: None,
            replay: message.replay,
        };
        match self.requests.send(submit.outgoing()).await {
            Ok(()) => Ok(Submitted { pointer, problem: None }),
            Err(QueueError::Refused(problem)) => Ok(Submitted { pointer, problem: Some(problem) }),
            Err(error) => Err(error.into()),
        }
    }

    async fn outcomes(&self, messages: &[Pointer]) -> Answer<Vec<Outcome>> {
        let message_keys: Vec<_> =
            messages.iter().map(|pointer| keys::message(&pointer.session_key, &pointer.message_id)).collect();
        let rows: Vec<Option<MessageRow>> = self.rows(&message_keys).await?;
        let turn_of = |row: &Option<MessageRow>| row.as_ref().and_then(|row| row.turn);
        let claimed: Vec<_> = messages
            .iter()
            .zip(rows.iter().map(turn_of))
            .filter_map(|(pointer, turn): (_, Option<Turn>)| Some(keys::turn(&pointer.session_key, turn?)))
            .collect();
        let mut turns = self.rows::<TurnRow>(&claimed).await?.into_iter();
        let mut bytes = 0;
        Ok(rows
            .iter()
            .map(|row| match (row, turn_of(row)) {
                (None, _) => Outcome::Unknown,
                (Some(_), None) => Outcome::Waiting,
                (Some(_), Some(_)) => outcome(turns.next().flatten(), &mut bytes),
            })
            .collect())
    }

    pub(super) async fn rows<T: serde::de::DeserializeOwned>(
        &self,
        keys: &[shared::ports::store::Key],
    ) -> Answer<Vec<Option<T>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let items = self.store.get(keys).await?;
        Ok(items.into_iter().map(|item| item.map(Item::into_row).transpose()).collect::<Result<_, _>>()?)
    }
}

fn outcome(turn: Option<TurnRow>, bytes: &mut usize) -> Outcome {
    let Some(turn) = turn else { return Outcome::Unknown };
    if !turn.is_final() || *bytes > MOST_BYTES {
        return Outcome::Running;
    }
    *bytes += turn.text.as_ref().map_or(0, String::len) + turn.message.as_str().len();
    Outcome::Done { turn: Box::new(TurnView::from(turn)) }
}
