//! The expected state of a run.

use std::collections::{BTreeMap, BTreeSet};

use shared::domain::{MessageId, ProviderName, SessionKey, TurnKind};
use tokio::time::Instant;

use super::Violation;
use crate::faults::Subject;

/// The number of an account.
pub(super) type AccountNumber = u32;

/// The state that follows from all that was sent, accepted, written and generated.
#[derive(Debug, Default)]
pub(super) struct ExpectedState {
    pub(super) sessions: BTreeMap<SessionKey, Session>,
    /// The message of each text, so that a call of a model can be attributed by its prompt.
    pub(super) texts: BTreeMap<String, (SessionKey, MessageId)>,
    pub(super) calls: Vec<ModelCall>,
    /// The events that were taken, by id, each with its detail.
    pub(super) events: BTreeMap<String, serde_json::Value>,
}

/// One session key: its owner, and the lifetimes of its sessions, one after the other.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) owner: Option<AccountNumber>,
    pub(super) messages_sent: BTreeMap<MessageId, ExpectedMessage>,
    pub(super) lives: Vec<SessionLifetime>,
}

/// What a client knows of its message.
#[derive(Debug, Clone)]
pub struct ExpectedMessage {
    /// Its text.
    pub text: String,
    /// When it was first sent.
    pub sent_at: Instant,
    /// When a 202 came back.
    pub accepted_at: Option<Instant>,
    /// When a stop was answered 202 while the turn was not final yet.
    pub stopped_at: Option<Instant>,
    /// Whether it was among the dead letters.
    pub dead_lettered: bool,
    /// Whether an operator submitted it: accepted by the worker, or refused.
    pub submitted: bool,
}

/// One lifetime of a session, from the row that creates it to its end.
#[derive(Debug, Default)]
pub(super) struct SessionLifetime {
    pub(super) deleted: bool,
    pub(super) messages: BTreeSet<MessageId>,
    pub(super) turns: BTreeMap<u64, ExpectedTurn>,
    /// What the session's totals should be.
    pub(super) delivered: u64,
}

/// One turn, as it was written.
#[derive(Debug)]
pub(super) struct ExpectedTurn {
    pub(super) message_id: MessageId,
    pub(super) epoch: u64,
    pub(super) phase: Phase,
    /// When its present generation began.
    pub(super) began_at: Instant,
    /// The last generation that each invocation took.
    pub(super) holders: BTreeMap<(u32, u32), u64>,
    pub(super) done: Option<ObservedFinal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    Committed,
    Delivered,
}

/// A final.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ObservedFinal {
    pub(super) kind: TurnKind,
    pub(super) text: String,
    /// When it was committed.
    pub(super) at: Instant,
}

/// One call of a model.
#[derive(Debug)]
pub(super) struct ModelCall {
    pub(super) session: SessionKey,
    pub(super) message_id: MessageId,
    pub(super) provider: ProviderName,
    /// The generation that its invocation held then; `None` for one that never took the turn.
    pub(super) generation: Option<u64>,
    pub(super) text: String,
    /// When it said its first words.
    pub(super) spoke_at: Option<Instant>,
    pub(super) finished: bool,
}

impl ExpectedState {
    pub(super) fn session(&mut self, key: &SessionKey) -> &mut Session {
        if !self.sessions.contains_key(key) {
            self.sessions.insert(key.clone(), Session::default());
        }
        self.sessions.entry(key.clone()).or_default()
    }

    /// Returns the present life of a session, if it has begun.
    pub(super) fn life(&mut self, key: &SessionKey) -> Option<&mut SessionLifetime> {
        self.sessions.get_mut(key)?.lives.last_mut()
    }

    /// Returns the calls that were made for a message.
    pub(super) fn calls_of<'b>(
        &'b self,
        key: &'b SessionKey,
        id: &'b MessageId,
    ) -> impl Iterator<Item = &'b ModelCall> {
        self.calls.iter().filter(move |call| call.message_id == *id && call.session == *key)
    }
}

impl ModelCall {
    /// Tells whether the call was made for this generation, as far as that is known.
    pub(super) fn is_of(&self, generation: u64) -> bool {
        self.generation.is_none_or(|held| held == generation)
    }
}

impl SessionLifetime {
    /// Returns the turn of a message.
    pub(super) fn turn_of(&self, id: &MessageId) -> Option<(u64, &ExpectedTurn)> {
        self.turns
            .iter()
            .find(|(_, turn)| turn.message_id == *id)
            .map(|(number, turn)| (*number, turn))
    }
}

pub(super) fn found(invariant: &'static str, subject: Subject, what: String) -> Violation {
    Violation { invariant, subject, what }
}
