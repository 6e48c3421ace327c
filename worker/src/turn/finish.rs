//! Steps 6 and 7 of the turn protocol: the commit, then the final on the queue.

use shared::domain::{ErrorCode, SessionKey, Timestamp, TurnKind, TurnNumber};
use shared::ports::Durability;
use shared::ports::store::{Item, StoreError, Write};
use shared::protocol::{SessionRow, Turn, TurnResult, TurnState, keys};
use shared::protocol::{TurnOutcome, commit};
use shared::queue_messages::{FinalPointer, ReplyMessage};
use shared::store_retry::with_retries;

use super::measure::{MeasuredOutcome, measure};
use super::protocol::TurnProtocol;
use crate::error::WorkerError;

/// The result of writing a commit.
enum CommitWrite {
    Done,
    /// The turn was not running in this generation; the row as it is, if there is one.
    Refused(Option<Item>),
}

/// What became of a turn whose write was refused.
enum TurnStanding {
    /// A final is stored, from this worker or another.
    Final(Box<Turn>),
    /// The final is delivered, or the session was deleted.
    Over,
    /// The user stopped this generation; the row as it was saved so far.
    Stopped(Box<Turn>),
    /// Another worker has a later generation.
    Superseded,
    /// The session exists and the turn does not: the claim was lost before it was durable.
    Lost,
}

impl TurnProtocol<'_> {
    /// Commits the outcome and sends its pointer; `true` if this call made the turn final.
    ///
    /// `Ok` means that a final is durable, this one or an earlier one, or that the session was
    /// deleted.
    /// If the user stopped the turn first, it becomes a cancelled one with the same text.
    ///
    /// The pointer is sent only after the commit: a crash in between is harmless, because the
    /// redelivered message finds the turn final and sends the pointer then. The other way round,
    /// the notifier could receive a pointer to a turn that is not final.
    pub(crate) async fn commit(
        &self,
        key: &SessionKey,
        turn: &Turn,
        measured: impl Into<MeasuredOutcome>,
    ) -> Result<bool, WorkerError> {
        let measured = measured.into();
        let now = self.ports.clock.now();
        let outcome = &measured.outcome;
        let write = if outcome.result.kind() == TurnKind::Cancelled {
            commit::cancelled(key, turn, outcome, now)
        } else {
            commit::commit(key, turn, outcome, now)
        };
        match self.write_commit(write).await? {
            CommitWrite::Done => {
                self.record_measure(key, turn, &measured, now);
                self.enqueue_final(key, turn.turn).await.map(|()| true)
            }
            CommitWrite::Refused(current) => match self.standing(key, turn, current).await? {
                TurnStanding::Final(stored) => {
                    if is_ours(&stored, turn, outcome, now) {
                        self.record_measure(key, turn, &measured, now);
                    }
                    self.enqueue_final(key, turn.turn).await.map(|()| false)
                }
                TurnStanding::Over => Ok(false),
                TurnStanding::Stopped(saved) => {
                    let outcome = as_cancelled(measured.outcome, &saved);
                    let measured = MeasuredOutcome { outcome, ..measured };
                    Box::pin(self.commit(key, turn, measured)).await.map(|_| false)
                }
                TurnStanding::Superseded => Err(WorkerError::Fenced),
                TurnStanding::Lost => Err(WorkerError::Unclaimed),
            },
        }
    }

    /// Reports a turn that this worker committed at `now` to the metrics.
    pub(super) fn record_measure(
        &self,
        key: &SessionKey,
        turn: &Turn,
        measured: &MeasuredOutcome,
        now: Timestamp,
    ) {
        self.ports.metrics.turn(&measure(key, turn, measured, now));
    }

    /// Ends a stopped turn with the text saved so far, without a model call.
    pub(crate) async fn finish_cancelled(
        &self,
        key: &SessionKey,
        turn: &Turn,
    ) -> Result<(), WorkerError> {
        self.commit(key, turn, TurnOutcome::cancelled_as_saved(turn)).await.map(drop)
    }

    /// Ends a turn that has used up its generations, without a model call.
    pub(crate) async fn finish_exhausted(
        &self,
        key: &SessionKey,
        turn: &Turn,
    ) -> Result<(), WorkerError> {
        let message = "The answer failed too often. Please ask again.";
        self.finish_failed(key, turn, ErrorCode::AttemptsExhausted, message).await
    }

    /// Ends a turn whose request could not be read, without a model call.
    pub(crate) async fn finish_unreadable(
        &self,
        key: &SessionKey,
        turn: &Turn,
    ) -> Result<(), WorkerError> {
        let message = "The message was damaged in transit. Please ask again.";
        self.finish_failed(key, turn, ErrorCode::InvalidRequest, message).await
    }

    async fn finish_failed(
        &self,
        key: &SessionKey,
        turn: &Turn,
        code: ErrorCode,
        message: &str,
    ) -> Result<(), WorkerError> {
        let outcome = TurnOutcome { timings: turn.timings(), ..TurnOutcome::error(code, message) };
        self.commit(key, turn, outcome).await.map(drop)
    }

    /// Sends the pointer to a final. Sending it twice is harmless: delivery is idempotent.
    pub(crate) async fn enqueue_final(
        &self,
        key: &SessionKey,
        turn: TurnNumber,
    ) -> Result<(), WorkerError> {
        let pointer = ReplyMessage::Final(FinalPointer { session_key: key.clone(), turn });
        self.ports.replies.send(pointer.outgoing()).await.map_err(WorkerError::Queue)
    }

    /// Ends the work on a turn whose checkpoint or next generation was refused.
    ///
    /// `measured` is committed if the refusal means that the user stopped this generation.
    pub(crate) async fn stand_down(
        &self,
        key: &SessionKey,
        turn: &Turn,
        measured: MeasuredOutcome,
    ) -> Result<(), WorkerError> {
        let mut items = self.ports.store.get(&[keys::turn(key, turn.turn)]).await?;
        match self.standing(key, turn, items.pop().flatten()).await? {
            TurnStanding::Final(_) => self.enqueue_final(key, turn.turn).await,
            TurnStanding::Over => Ok(()),
            TurnStanding::Stopped(_) => self.commit(key, turn, measured).await.map(drop),
            TurnStanding::Superseded => Err(WorkerError::Fenced),
            TurnStanding::Lost => Err(WorkerError::Unclaimed),
        }
    }

    /// Writes a commit, with retries.
    ///
    /// A commit whose acknowledgement was lost is refused when it is repeated; the row that the
    /// refusal carries then shows the final, and [`is_ours`] recognises it.
    async fn write_commit(&self, write: Write) -> Result<CommitWrite, WorkerError> {
        let store = &self.ports.store;
        let ids = &self.ports.ids;
        match with_retries(|| ids.fraction(), || store.write(write.clone(), Durability::Synced))
            .await
        {
            Ok(_) => Ok(CommitWrite::Done),
            Err(StoreError::ConditionFailed(refusal)) => Ok(CommitWrite::Refused(refusal.current)),
            Err(error) => Err(error.into()),
        }
    }

    /// Finds out why a write to `mine` was refused; `current` is the row as it is now.
    async fn standing(
        &self,
        key: &SessionKey,
        mine: &Turn,
        current: Option<Item>,
    ) -> Result<TurnStanding, WorkerError> {
        let Some(current) = current.map(Item::into_row::<Turn>).transpose()? else {
            let mut items = self.ports.store.get(&[keys::session(key)]).await?;
            let session = items.pop().flatten().map(Item::into_row::<SessionRow>).transpose()?;
            return Ok(if session.is_some_and(|session| !session.deleted) {
                TurnStanding::Lost
            } else {
                TurnStanding::Over
            });
        };
        Ok(match current.state() {
            TurnState::Committed => TurnStanding::Final(Box::new(current)),
            TurnState::Delivered => TurnStanding::Over,
            TurnState::Running if current.epoch == mine.epoch && current.cancel => {
                TurnStanding::Stopped(Box::new(current))
            }
            TurnState::Running => TurnStanding::Superseded,
        })
    }
}

/// Tells whether a stored final is this very commit, whose acknowledgement was lost.
///
/// Without this the turn would be missing from the metrics: it is measured once, by whoever
/// committed it.
fn is_ours(stored: &Turn, mine: &Turn, outcome: &TurnOutcome, now: Timestamp) -> bool {
    stored.as_final().is_some_and(|end| {
        let stored_result = &end.outcome.result;
        stored.epoch == mine.epoch
            && end.finished_at == now
            && stored_result.kind() == outcome.result.kind()
            && stored_result.text() == outcome.result.text()
    })
}

/// Turns an outcome that came after a stop into a cancelled one.
///
/// An error has no text of its own, so the saved text stays: the user has seen it.
fn as_cancelled(outcome: TurnOutcome, saved: &Turn) -> TurnOutcome {
    let (text, citations) = match outcome.result {
        TurnResult::Error(_) => (saved.partial().to_owned(), saved.partial_citations().to_vec()),
        TurnResult::Reply { text, .. } | TurnResult::Cancelled { text } => {
            (text, outcome.citations)
        }
    };
    TurnOutcome { result: TurnResult::Cancelled { text }, citations, ..outcome }
}
