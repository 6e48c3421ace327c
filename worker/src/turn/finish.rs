//! Steps 6 and 7 of the turn protocol: the commit, then the final on the queue.

use shared::domain::{ErrorCode, SessionKey, Timestamp, TurnKind, TurnNumber};
use shared::ports::Durability;
use shared::ports::store::{Item, StoreError, Write};
use shared::protocol::{SessionRow, Turn, TurnResult, TurnState, keys};
use shared::protocol::{TurnOutcome, commit};
use shared::queue_messages::{FinalPointer, ReplyMessage};
use shared::store_retry::with_retries;

use super::measure::{Ending, measure};
use crate::error::WorkerError;
use crate::handler::Worker;

/// Commits the outcome and sends its pointer.
///
/// `Ok` means that a final is durable, this one or one that was there before, or that the session
/// is gone.
/// A stop that came first makes the outcome a cancelled one with the same text.
pub(crate) async fn commit(
    worker: &Worker,
    key: &SessionKey,
    turn: &Turn,
    ending: impl Into<Ending>,
) -> Result<bool, WorkerError> {
    let ending = ending.into();
    let now = worker.ports.clock.now();
    let outcome = &ending.outcome;
    let write = if outcome.result.kind() == TurnKind::Cancelled {
        commit::cancelled(key, turn, outcome, now)
    } else {
        commit::commit(key, turn, outcome, now)
    };
    match store(worker, write).await? {
        Stored::Now => {
            note(worker, key, turn, &ending, now);
            enqueue(worker, key, turn.turn).await.map(|()| true)
        }
        Stored::Refused(current) => match judge(worker, key, turn, current).await? {
            Verdict::Final(stored) => {
                if is_ours(&stored, turn, outcome, now) {
                    note(worker, key, turn, &ending, now);
                }
                enqueue(worker, key, turn.turn).await.map(|()| false)
            }
            Verdict::Over => Ok(false),
            Verdict::Stopped(saved) => {
                let ending = Ending { outcome: as_cancelled(ending.outcome, saved), ..ending };
                Box::pin(commit(worker, key, turn, ending)).await.map(|_| false)
            }
            Verdict::SomebodyElse => Err(WorkerError::Fenced),
            Verdict::Lost => Err(WorkerError::Unclaimed),
        },
    }
}

/// Measures a turn that this worker committed at `now`.
pub(super) fn note(
    worker: &Worker,
    key: &SessionKey,
    turn: &Turn,
    ending: &Ending,
    now: Timestamp,
) {
    worker.ports.metrics.turn(&measure(key, turn, ending, now));
}

/// Ends a stopped turn with the text saved so far, without any model call.
pub(crate) async fn cancelled(
    worker: &Worker,
    key: &SessionKey,
    turn: &Turn,
) -> Result<(), WorkerError> {
    let outcome = TurnOutcome::cancelled(turn.partial().to_owned());
    commit(worker, key, turn, TurnOutcome { timings: turn.timings(), ..outcome }).await.map(drop)
}

/// Ends a turn that was begun too often, without any model call.
pub(crate) async fn exhausted(
    worker: &Worker,
    key: &SessionKey,
    turn: &Turn,
) -> Result<(), WorkerError> {
    let outcome = TurnOutcome::error(
        ErrorCode::AttemptsExhausted,
        "The answer failed too often. Please ask again.",
    );
    commit(worker, key, turn, TurnOutcome { timings: turn.timings(), ..outcome }).await.map(drop)
}

/// Ends a turn whose request could not be read, without any model call.
pub(crate) async fn unreadable(
    worker: &Worker,
    key: &SessionKey,
    turn: &Turn,
) -> Result<(), WorkerError> {
    let outcome = TurnOutcome::error(
        ErrorCode::InvalidRequest,
        "The message was damaged on its way. Please ask again.",
    );
    commit(worker, key, turn, TurnOutcome { timings: turn.timings(), ..outcome }).await.map(drop)
}

/// Sends the pointer to a final.
pub(crate) async fn enqueue(
    worker: &Worker,
    key: &SessionKey,
    turn: TurnNumber,
) -> Result<(), WorkerError> {
    let pointer = ReplyMessage::Final(FinalPointer { session_key: key.clone(), turn });
    worker.ports.replies.send(pointer.outgoing()).await.map_err(WorkerError::Queue)
}

/// Ends the work on a turn whose checkpoint or next generation was refused.
///
/// `ending` is what a stop of this very generation makes of it.
pub(crate) async fn stand_down(
    worker: &Worker,
    key: &SessionKey,
    turn: &Turn,
    ending: Ending,
) -> Result<(), WorkerError> {
    let mut items = worker.ports.store.get(&[keys::turn(key, turn.turn)]).await?;
    match judge(worker, key, turn, items.pop().flatten()).await? {
        Verdict::Final(_) => enqueue(worker, key, turn.turn).await,
        Verdict::Over => Ok(()),
        Verdict::Stopped(_) => commit(worker, key, turn, ending).await.map(drop),
        Verdict::SomebodyElse => Err(WorkerError::Fenced),
        Verdict::Lost => Err(WorkerError::Unclaimed),
    }
}

enum Stored {
    Now,
    Refused(Option<Item>),
}

/// Writes a commit; one whose acknowledgement was lost is refused the second time, and found to be
/// final.
async fn store(worker: &Worker, write: Write) -> Result<Stored, WorkerError> {
    let store = &worker.ports.store;
    let ids = &worker.ports.ids;
    match with_retries(|| ids.fraction(), || store.write(write.clone(), Durability::Synced)).await {
        Ok(_) => Ok(Stored::Now),
        Err(StoreError::ConditionFailed(refusal)) => Ok(Stored::Refused(refusal.current)),
        Err(error) => Err(error.into()),
    }
}

enum Verdict {
    /// A final is stored, ours or not.
    Final(Box<Turn>),
    /// The final is delivered, or the session is gone.
    Over,
    /// The user stopped this generation, whose text was saved so far.
    Stopped(String),
    /// Another worker has a later generation.
    SomebodyElse,
    /// The session lives and the turn is not there: the claim was lost before it was durable.
    Lost,
}

async fn judge(
    worker: &Worker,
    key: &SessionKey,
    mine: &Turn,
    current: Option<Item>,
) -> Result<Verdict, WorkerError> {
    let Some(current) = current.map(Item::into_row::<Turn>).transpose()? else {
        let mut items = worker.ports.store.get(&[keys::session(key)]).await?;
        let session = items.pop().flatten().map(Item::into_row::<SessionRow>).transpose()?;
        return Ok(if session.is_some_and(|session| !session.deleted) {
            Verdict::Lost
        } else {
            Verdict::Over
        });
    };
    Ok(match current.state() {
        TurnState::Committed => Verdict::Final(Box::new(current)),
        TurnState::Delivered => Verdict::Over,
        TurnState::Running if current.epoch == mine.epoch && current.cancel => {
            Verdict::Stopped(current.partial().to_owned())
        }
        TurnState::Running => Verdict::SomebodyElse,
    })
}

/// Tells whether a final that is stored is this very commit, whose acknowledgement was lost.
fn is_ours(stored: &Turn, mine: &Turn, outcome: &TurnOutcome, now: Timestamp) -> bool {
    stored.as_final().is_some_and(|end| {
        let stored_result = &end.outcome.result;
        stored.epoch == mine.epoch
            && end.finished_at == now
            && stored_result.kind() == outcome.result.kind()
            && stored_result.text() == outcome.result.text()
    })
}

/// Turns an outcome that came too late into a cancelled one; an error has no text of its own, so
/// the saved one stays.
fn as_cancelled(outcome: TurnOutcome, saved: String) -> TurnOutcome {
    let text = match outcome.result {
        TurnResult::Error(_) => saved,
        TurnResult::Reply { text, .. } | TurnResult::Cancelled { text } => text,
    };
    TurnOutcome { result: TurnResult::Cancelled { text }, ..outcome }
}
