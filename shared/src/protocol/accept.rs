//! Accepting a message: the same rules for ingress and for a `submit` from the queue.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Lifetime, MessageRow, SessionRow, keys};
use crate::domain::{
    DocumentId, MessageId, MessageText, Principal, ProviderName, Replay, SessionId, SessionKey,
    Timestamp,
};
use crate::environment::{ConfigError, Environment};
use crate::ports::Durability;
use crate::ports::store::{Change, Condition, Item, Store, StoreError, Write};

/// How often a refused write is tried again from a fresh read: each refusal means that another
/// writer got on.
const ATTEMPTS: usize = 16;

/// A message that asks to be accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// Who speaks.
    pub principal: Principal,
    /// In which session.
    pub session_id: SessionId,
    /// The message's idempotency key.
    pub message_id: MessageId,
    /// The text.
    pub message: MessageText,
    /// The document asked for.
    pub document_id: Option<DocumentId>,
    /// The provider asked for.
    pub provider: Option<ProviderName>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// What it is answered with in place of history and settings; only the queue brings it.
    pub replay: Option<Box<Replay>>,
}

/// What is already known of a submission.
#[derive(Debug, Clone, PartialEq)]
pub enum SubmissionStatus {
    /// The very same message was accepted before: go on as then.
    Repeated,
    /// It is new.
    New,
}

/// The reason why a message is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The message id was used with another body.
    #[error("the message id was used with another body")]
    Conflict,
    /// The session was deleted, or is in the last hour of its longest life.
    #[error("the session is gone")]
    Gone,
    /// The session has too many messages that wait for their turn.
    #[error("the session has too many unfinished messages")]
    TooManyWaiting,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The bounds that a message is accepted within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptLimits {
    /// How long sessions live.
    pub lifetime: Lifetime,
    /// How many messages of one session may wait for their turn.
    pub max_waiting: u64,
}

impl AcceptLimits {
    /// Reads the bounds, which ingress and worker share.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        let hours = environment.number_or("CHATBOT_SESSION_TTL_HOURS", 24, 1..=168)?;
        let max_waiting = environment.number_or("CHATBOT_MAX_WAITING_MESSAGES", 50, 1..=10_000)?;
        Ok(Self { lifetime: Lifetime { ttl: Duration::from_hours(hours) }, max_waiting })
    }
}

impl Submission {
    /// Returns the session's key.
    pub fn session_key(&self) -> SessionKey {
        SessionKey::derive(&self.principal, &self.session_id)
    }

    /// Returns the hash that tells a repeated message from another one with the same id.
    pub fn body_hash(&self) -> String {
        let message = self.message.as_str();
        let replay = &self.replay;
        let body = match replay {
            None => json!([message, self.document_id, self.provider]),
            Some(replay) => json!([message, self.document_id, self.provider, replay]),
        };
        URL_SAFE_NO_PAD.encode(Sha256::digest(body.to_string()))
    }
}

/// What was read of a submission's session, for [`record`] to write upon.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmissionLookup {
    /// What is known of the submission.
    pub status: SubmissionStatus,
    session: Option<SessionRow>,
}

/// Records a new message: creates the session if it is absent, and the message's row.
///
/// Applied at most once, however often it is called. Acknowledged before it is durable: the send to
/// the queue that follows is what makes it so.
pub async fn record(
    store: &dyn Store,
    submission: &Submission,
    mut read: SubmissionLookup,
    bounds: AcceptLimits,
) -> Result<SubmissionStatus, AcceptError> {
    let mut refused = StoreError::Unavailable("the session changed too often".into());
    for _ in 0..ATTEMPTS {
        if read.status == SubmissionStatus::Repeated {
            return Ok(read.status);
        }
        match store
            .transact(writes(submission, read.session.as_ref(), bounds)?, Durability::Ordered)
            .await
        {
            Ok(()) => return Ok(read.status),
            Err(error @ StoreError::ConditionFailed(_)) => refused = error,
            Err(error) => return Err(error.into()),
        }
        read = look_up(store, submission, bounds).await?;
    }
    Err(refused.into())
}

/// Finds out what is known of a submission, without writing anything.
pub async fn look_up(
    store: &dyn Store,
    submission: &Submission,
    bounds: AcceptLimits,
) -> Result<SubmissionLookup, AcceptError> {
    let key = submission.session_key();
    let mut items =
        store.get(&[keys::session(&key), keys::message(&key, &submission.message_id)]).await?;
    let message = items.pop().flatten().map(Item::into_row::<MessageRow>).transpose()?;
    let session = items.pop().flatten().map(Item::into_row::<SessionRow>).transpose()?;
    let status = judge(submission, session.as_ref(), message.as_ref(), bounds)?;
    Ok(SubmissionLookup { status, session })
}

fn judge(
    submission: &Submission,
    session: Option<&SessionRow>,
    message: Option<&MessageRow>,
    bounds: AcceptLimits,
) -> Result<SubmissionStatus, AcceptError> {
    let Some(session) = session else { return Ok(SubmissionStatus::New) };
    if session.deleted {
        return Err(AcceptError::Gone);
    }
    match message {
        Some(known) if known.body_hash == submission.body_hash() => Ok(SubmissionStatus::Repeated),
        Some(_) => Err(AcceptError::Conflict),
        None if !bounds.lifetime.takes_messages(session, submission.accepted_at) => {
            Err(AcceptError::Gone)
        }
        None if session.waiting() >= bounds.max_waiting => Err(AcceptError::TooManyWaiting),
        None => Ok(SubmissionStatus::New),
    }
}

fn writes(
    submission: &Submission,
    session: Option<&SessionRow>,
    bounds: AcceptLimits,
) -> Result<Vec<Write>, StoreError> {
    let key = submission.session_key();
    let now = submission.accepted_at;
    let (session_write, expires_at) = match session {
        None => {
            let mut row = new_session(submission, bounds.lifetime);
            row.accepted = 1;
            let end = row.expires_at;
            (Write::put(Item::from_row(keys::session(&key), &row)?, vec![Condition::Absent]), end)
        }
        Some(session) => {
            let mut changes = vec![Change::Add("accepted", 1)];
            let end = renew(session, bounds.lifetime, now, &mut changes);
            (Write::update(keys::session(&key), live(), changes), end)
        }
    };
    let row = MessageRow {
        message: submission.message.clone(),
        document_id: submission.document_id.clone(),
        provider: submission.provider,
        body_hash: submission.body_hash(),
        accepted_at: now,
        expires_at,
        turn: None,
        cancel: false,
        replay: submission.replay.clone(),
    };
    let item = Item::from_row(keys::message(&key, &submission.message_id), &row)?;
    Ok(vec![session_write, Write::put(item, vec![Condition::Absent])])
}

fn new_session(submission: &Submission, lifetime: Lifetime) -> SessionRow {
    let now = submission.accepted_at;
    SessionRow::new(
        submission.principal.clone(),
        submission.session_id.clone(),
        now,
        lifetime.first_end(now),
    )
}

/// Returns the conditions that hold for a live session only.
pub fn live() -> Vec<Condition> {
    vec![Condition::Present, Condition::Missing("deleted")]
}

/// Adds the changes that move the session's end, and returns the end that then holds.
pub(super) fn renew(
    session: &SessionRow,
    lifetime: Lifetime,
    now: Timestamp,
    changes: &mut Vec<Change>,
) -> crate::domain::ExpiresAt {
    let Some(end) = lifetime.renewed(session, now) else { return session.expires_at };
    changes.push(Change::Set("expires_at", json!(end)));
    changes.push(Change::Set("due", json!(end.timestamp())));
    end
}
