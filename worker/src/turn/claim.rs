//! Step 2 of the turn protocol: claiming a turn, or its next generation.

use shared::domain::{MessageId, SessionKey, TurnNumber};
use shared::ports::Durability;
use shared::ports::store::{Item, StoreError};
use shared::protocol::TurnOutcome;
use shared::protocol::claim::{ClaimInput, PREDECESSOR};
use shared::protocol::{self, MessageRow, Owner, SessionRow, Turn, TurnState, generation, keys};
use shared::queue_messages::Replay;
use shared::store_retry::StoreRetry;
use tokio::time::Instant;

use super::protocol::TurnProtocol;
use crate::error::WorkerError;

/// How often a refused claim is repeated with freshly read rows.
const ATTEMPTS: usize = 16;

/// The outcome of a claim.
pub(crate) enum ClaimOutcome {
    /// There is nothing to answer: the session, the message or its turn no longer exists.
    Gone,
    /// There is nothing left to do: the turn was delivered.
    Delivered,
    /// The turn is final: only its pointer has to be sent again.
    Final(TurnNumber),
    /// The turn was stopped before it was answered.
    Cancelled(Box<Turn>),
    /// The turn has used up its generations.
    Exhausted(Box<Turn>),
    /// The turn belongs to this worker, in the row's generation.
    Running(Claim),
}

/// A turn that belongs to this worker.
pub(crate) struct Claim {
    pub(crate) owner: Owner,
    pub(crate) turn: Box<Turn>,
    /// What the turn is answered with instead of history and settings. It is stored with the
    /// message, so every generation gets the same.
    pub(crate) replay: Option<Box<Replay>>,
}

impl TurnProtocol<'_> {
    /// Claims the message's turn, or its next generation.
    ///
    /// Fails after the deadline: by then the queue may have delivered the message to another
    /// worker, and a turn that looks abandoned in rows read earlier may be that worker's.
    pub(crate) async fn claim(
        &self,
        key: &SessionKey,
        message_id: &MessageId,
        trace: Option<String>,
        deadline: Instant,
    ) -> Result<ClaimOutcome, WorkerError> {
        let mut retry = StoreRetry::default();
        for _ in 0..ATTEMPTS {
            if Instant::now() >= deadline {
                return Err(WorkerError::Deadline);
            }
            match self.try_claim(key, message_id, trace.clone()).await {
                Ok(Some(claimed)) => return Ok(claimed),
                Ok(None) => (),
                Err(WorkerError::Store(error)) => {
                    retry.wait(error, self.ports.ids.fraction()).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(WorkerError::Unclaimed)
    }

    /// Claims with freshly read rows; `None` if they were stale.
    async fn try_claim(
        &self,
        key: &SessionKey,
        message_id: &MessageId,
        trace: Option<String>,
    ) -> Result<Option<ClaimOutcome>, WorkerError> {
        let Some((owner, session, message)) = self.read_message(key, message_id).await? else {
            return Ok(Some(ClaimOutcome::Gone));
        };
        match message.turn {
            None => {
                let predecessor_is_final = self.predecessor_is_final(key, &session).await?;
                let input = ClaimInput {
                    key,
                    session: &session,
                    message_id,
                    message: &message,
                    predecessor_is_final,
                };
                self.claim_new(input, owner, trace).await
            }
            Some(turn) => self.resume_claim(key, turn, owner, message.replay).await,
        }
    }

    /// Reads session and message; `None` if either does not exist or the session was deleted.
    async fn read_message(
        &self,
        key: &SessionKey,
        message_id: &MessageId,
    ) -> Result<Option<(Owner, SessionRow, MessageRow)>, WorkerError> {
        let mut items =
            self.ports.store.get(&[keys::session(key), keys::message(key, message_id)]).await?;
        let message = items.pop().flatten().map(Item::into_row::<MessageRow>).transpose()?;
        let session = items.pop().flatten().map(Item::into_row::<SessionRow>).transpose()?;
        let owned = session.and_then(|session| Some((session.owner()?, session)));
        Ok(owned.zip(message).map(|((owner, session), message)| (owner, session, message)))
    }

    /// Tells whether the turn before the session's next one is final.
    ///
    /// A final turn stays final, so the claim's transaction need not check it again; a read costs
    /// less than one more item in a transaction.
    async fn predecessor_is_final(
        &self,
        key: &SessionKey,
        session: &SessionRow,
    ) -> Result<bool, WorkerError> {
        let Some(previous) = protocol::claim::predecessor(session) else { return Ok(false) };
        Ok(self.read_turn(key, previous).await?.is_some_and(|turn| turn.is_final()))
    }

    /// Claims the next turn for a message that has none; `None` if the rows were stale.
    ///
    /// The claim need not be durable before the model is called, because the store keeps the order
    /// of writes: if the claim is lost in a crash, everything that was written after it is lost
    /// too. What clients see must wait for it, though (see `TurnStreamer`).
    async fn claim_new(
        &self,
        input: ClaimInput<'_>,
        owner: Owner,
        trace: Option<String>,
    ) -> Result<Option<ClaimOutcome>, WorkerError> {
        let now = self.ports.clock.now();
        let (turn, writes) = protocol::claim::claim(input, trace, self.lifetime, now)?;
        match self.ports.store.transact(writes, Durability::Ordered).await {
            Ok(()) if turn.cancel => Ok(Some(ClaimOutcome::Cancelled(Box::new(turn)))),
            Ok(()) => {
                let turn = Box::new(turn);
                let replay = input.message.replay.clone();
                Ok(Some(ClaimOutcome::Running(Claim { owner, turn, replay })))
            }
            Err(StoreError::ConditionFailed(refusal)) if refusal.index == PREDECESSOR => {
                self.end_predecessor(input).await.map(|()| None)
            }
            Err(StoreError::ConditionFailed(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the previous turn, whose message is no longer delivered, so that this turn can begin.
    ///
    /// The queue delivers a session's messages in order: once this message is delivered, the
    /// previous one was acknowledged or became a dead letter, so nobody else will finish its turn.
    /// That holds only while this delivery is current, so the transaction repeats the checks of the
    /// claim: a worker that stalled since it read the rows must not end a turn that another worker
    /// is answering.
    async fn end_predecessor(&self, input: ClaimInput<'_>) -> Result<(), WorkerError> {
        let Some(previous) = protocol::claim::predecessor(input.session) else { return Ok(()) };
        let Some(turn) = self.read_turn(input.key, previous).await?.filter(|turn| !turn.is_final())
        else {
            return Ok(());
        };
        let outcome = TurnOutcome::abandoned(&turn);
        let now = self.ports.clock.now();
        let writes = protocol::claim::end_predecessor(input, &turn, &outcome, now);
        match self.ports.store.transact(writes, Durability::Synced).await {
            Ok(()) => {
                self.record_measure(input.key, &turn, &outcome.into(), now);
                self.enqueue_final(input.key, previous).await
            }
            Err(StoreError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Continues a turn that an earlier delivery claimed; `None` if it changed in the meantime.
    async fn resume_claim(
        &self,
        key: &SessionKey,
        turn: TurnNumber,
        owner: Owner,
        replay: Option<Box<Replay>>,
    ) -> Result<Option<ClaimOutcome>, WorkerError> {
        let Some(mut turn) = self.read_turn(key, turn).await? else {
            return Ok(Some(ClaimOutcome::Gone));
        };
        match turn.state() {
            TurnState::Delivered => Ok(Some(ClaimOutcome::Delivered)),
            TurnState::Committed => Ok(Some(ClaimOutcome::Final(turn.turn))),
            TurnState::Running if turn.cancel => Ok(Some(ClaimOutcome::Cancelled(Box::new(turn)))),
            TurnState::Running if turn.epoch.0 >= self.max_generations => {
                Ok(Some(ClaimOutcome::Exhausted(Box::new(turn))))
            }
            TurnState::Running => {
                let taken = self.take_generation(key, &mut turn).await?;
                Ok(taken
                    .then(|| ClaimOutcome::Running(Claim { owner, turn: Box::new(turn), replay })))
            }
        }
    }

    /// Starts the turn's next generation; `false` if the turn changed in the meantime.
    ///
    /// The write requires the epoch that was read and raises it by one. This is the fence: from
    /// then on every checkpoint and commit of the previous generation is refused, whoever sends it.
    pub(crate) async fn take_generation(
        &self,
        key: &SessionKey,
        turn: &mut Turn,
    ) -> Result<bool, WorkerError> {
        let write = generation::next_generation(key, turn, self.ports.clock.now());
        match self.ports.store.write(write, Durability::Ordered).await {
            Ok(_) => {
                turn.begin_next_generation();
                Ok(true)
            }
            Err(StoreError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
