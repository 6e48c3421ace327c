//! Step 2 of the turn protocol: whose turn it is, and in which generation.

use shared::domain::{MessageId, SessionKey, TurnNumber};
use shared::ports::Durability;
use shared::ports::store::{Item, StoreError};
use shared::protocol::TurnOutcome;
use shared::protocol::claim::{ClaimInput, PREDECESSOR};
use shared::protocol::{self, MessageRow, Owner, SessionRow, Turn, TurnState, generation, keys};
use shared::queue_messages::Replay;
use shared::store_retry::StoreRetry;
use tokio::time::Instant;

use super::finish;
use crate::error::WorkerError;
use crate::handler::Worker;

/// How often a refused claim is tried again from a fresh read.
const ATTEMPTS: usize = 16;

/// What a message's turn turned out to be.
pub(crate) enum Claimed {
    /// There is nothing to answer: the session, the message or its turn is gone.
    Gone,
    /// There is nothing left to do: the turn was delivered.
    Delivered,
    /// The turn is final: only its pointer is to be sent again.
    Final(TurnNumber),
    /// The turn was stopped before it had an answer.
    Cancelled(Box<Turn>),
    /// The turn was begun too often.
    Exhausted(Box<Turn>),
    /// The turn is this worker's, in the row's generation.
    Running(Claim),
}

/// A turn that is this worker's.
pub(crate) struct Claim {
    pub(crate) owner: Owner,
    pub(crate) turn: Box<Turn>,
    /// What it is answered with in place of history and settings; kept with the message, so that
    /// every generation has the same.
    pub(crate) replay: Option<Box<Replay>>,
}

/// Claims the message's turn, or its next generation.
///
/// Past the deadline the message may be somebody else's, and so may the turn that its reading takes
/// for dead.
pub(crate) async fn claim(
    worker: &Worker,
    key: &SessionKey,
    message_id: &MessageId,
    trace: Option<String>,
    deadline: Instant,
) -> Result<Claimed, WorkerError> {
    let mut retry = StoreRetry::default();
    for _ in 0..ATTEMPTS {
        if Instant::now() >= deadline {
            return Err(WorkerError::Deadline);
        }
        match attempt(worker, key, message_id, trace.clone()).await {
            Ok(Some(claimed)) => return Ok(claimed),
            Ok(None) => (),
            Err(WorkerError::Store(error)) => {
                retry.wait(error, worker.ports.ids.fraction()).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Err(WorkerError::Unclaimed)
}

/// Claims from a fresh reading; `None` if it was stale.
async fn attempt(
    worker: &Worker,
    key: &SessionKey,
    message_id: &MessageId,
    trace: Option<String>,
) -> Result<Option<Claimed>, WorkerError> {
    let Some((owner, session, message)) = read(worker, key, message_id).await? else {
        return Ok(Some(Claimed::Gone));
    };
    match message.turn {
        None => {
            let predecessor_is_final = predecessor_is_final(worker, key, &session).await?;
            let input = ClaimInput {
                key,
                session: &session,
                message_id,
                message: &message,
                predecessor_is_final,
            };
            first(worker, input, owner, trace).await
        }
        Some(turn) => again(worker, key, turn, owner, message.replay).await,
    }
}

/// Reads session and message; `None` if either is absent or the session is deleted.
async fn read(
    worker: &Worker,
    key: &SessionKey,
    message_id: &MessageId,
) -> Result<Option<(Owner, SessionRow, MessageRow)>, WorkerError> {
    let mut items =
        worker.ports.store.get(&[keys::session(key), keys::message(key, message_id)]).await?;
    let message = items.pop().flatten().map(Item::into_row::<MessageRow>).transpose()?;
    let session = items.pop().flatten().map(Item::into_row::<SessionRow>).transpose()?;
    let owned = session.and_then(|session| Some((session.owner()?, session)));
    Ok(owned.zip(message).map(|((owner, session), message)| (owner, session, message)))
}

/// Tells whether the turn before the session's next one is final: reading that costs less than
/// checking it in a transaction, and holds for ever.
async fn predecessor_is_final(
    worker: &Worker,
    key: &SessionKey,
    session: &SessionRow,
) -> Result<bool, WorkerError> {
    let Some(previous) = protocol::claim::predecessor(session) else { return Ok(false) };
    Ok(read_turn(worker, key, previous).await?.is_some_and(|turn| turn.is_final()))
}

/// Takes a turn for a message that has none; `None` if the reading was stale.
///
/// The claim need not be durable before the model is called: all that follows is written after it.
async fn first(
    worker: &Worker,
    input: ClaimInput<'_>,
    owner: Owner,
    trace: Option<String>,
) -> Result<Option<Claimed>, WorkerError> {
    let now = worker.ports.clock.now();
    let (turn, writes) =
        protocol::claim::claim(input, trace, worker.config.accept_limits.lifetime, now)?;
    match worker.ports.store.transact(writes, Durability::Ordered).await {
        Ok(()) if turn.cancel => Ok(Some(Claimed::Cancelled(Box::new(turn)))),
        Ok(()) => {
            let turn = Box::new(turn);
            let replay = input.message.replay.clone();
            Ok(Some(Claimed::Running(Claim { owner, turn, replay })))
        }
        Err(StoreError::ConditionFailed(refusal)) if refusal.index == PREDECESSOR => {
            end_predecessor(worker, input).await.map(|()| None)
        }
        Err(StoreError::ConditionFailed(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Ends the turn before, whose message is no longer delivered, so that this one can begin.
async fn end_predecessor(worker: &Worker, input: ClaimInput<'_>) -> Result<(), WorkerError> {
    let Some(previous) = protocol::claim::predecessor(input.session) else { return Ok(()) };
    let Some(turn) = read_turn(worker, input.key, previous).await?.filter(|turn| !turn.is_final())
    else {
        return Ok(());
    };
    let outcome = TurnOutcome::abandoned(&turn);
    let now = worker.ports.clock.now();
    let writes = protocol::claim::end_predecessor(input, &turn, &outcome, now);
    match worker.ports.store.transact(writes, Durability::Synced).await {
        Ok(()) => {
            finish::note(worker, input.key, &turn, &outcome.into(), now);
            finish::enqueue(worker, input.key, previous).await
        }
        Err(StoreError::ConditionFailed(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Goes on with a turn that an earlier delivery claimed; `None` if it changed meanwhile.
async fn again(
    worker: &Worker,
    key: &SessionKey,
    turn: TurnNumber,
    owner: Owner,
    replay: Option<Box<Replay>>,
) -> Result<Option<Claimed>, WorkerError> {
    let Some(mut turn) = read_turn(worker, key, turn).await? else {
        return Ok(Some(Claimed::Gone));
    };
    match turn.state() {
        TurnState::Delivered => Ok(Some(Claimed::Delivered)),
        TurnState::Committed => Ok(Some(Claimed::Final(turn.turn))),
        TurnState::Running if turn.cancel => Ok(Some(Claimed::Cancelled(Box::new(turn)))),
        TurnState::Running if turn.epoch.0 >= worker.config.max_generations => {
            Ok(Some(Claimed::Exhausted(Box::new(turn))))
        }
        TurnState::Running => {
            let taken = take_generation(worker, key, &mut turn).await?;
            Ok(taken.then(|| Claimed::Running(Claim { owner, turn: Box::new(turn), replay })))
        }
    }
}

/// Takes the turn's next generation; `false` if it changed meanwhile.
pub(crate) async fn take_generation(
    worker: &Worker,
    key: &SessionKey,
    turn: &mut Turn,
) -> Result<bool, WorkerError> {
    let write = generation::next_generation(key, turn, worker.ports.clock.now());
    match worker.ports.store.write(write, Durability::Ordered).await {
        Ok(_) => {
            turn.begin_next_generation();
            Ok(true)
        }
        Err(StoreError::ConditionFailed(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn read_turn(
    worker: &Worker,
    key: &SessionKey,
    turn: TurnNumber,
) -> Result<Option<Turn>, WorkerError> {
    let mut items = worker.ports.store.get(&[keys::turn(key, turn)]).await?;
    Ok(items.pop().flatten().map(Item::into_row).transpose()?)
}
