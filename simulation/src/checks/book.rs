//! All that is known of a run.

use std::collections::{BTreeMap, BTreeSet};

use shared::domain::{MessageId, ProviderName, SessionKey, TurnKind};
use tokio::time::Instant;

use super::Violation;
use crate::faults::Subject;

/// Who speaks: the number of an account.
pub(super) type Owner = u32;

/// Everything that was promised, written, said and shown.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) sessions: BTreeMap<SessionKey, Session>,
    /// Which message a text is, so that a model's call is known by its prompt.
    pub(super) texts: BTreeMap<String, (SessionKey, MessageId)>,
    pub(super) calls: Vec<Call>,
    /// The events that were taken, by id, each with its detail.
    pub(super) events: BTreeMap<String, serde_json::Value>,
}

/// One session key: whose it is, and its lives, one after the other.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) owner: Option<Owner>,
    pub(super) promises: BTreeMap<MessageId, Promise>,
    pub(super) lives: Vec<Life>,
}

/// What is known of a message from outside.
#[derive(Debug, Clone)]
pub struct Promise {
    /// Its text.
    pub text: String,
    /// When it was first sent.
    pub sent_at: Instant,
    /// When a 202 came back.
    pub accepted_at: Option<Instant>,
    /// Whether a stop was answered 202 while the turn was not final yet.
    pub stopped: bool,
    /// Whether it was among the dead letters.
    pub dead_lettered: bool,
    /// Whether an operator submitted it: accepted by the worker, or refused.
    pub submitted: bool,
}

/// One life of a session, from the row that creates it to its end.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) deleted: bool,
    pub(super) messages: BTreeSet<MessageId>,
    pub(super) turns: BTreeMap<u64, TurnBook>,
    /// What the session's totals should be.
    pub(super) delivered: u64,
}

/// One turn, as it was written.
#[derive(Debug)]
pub(super) struct TurnBook {
    pub(super) message_id: MessageId,
    pub(super) epoch: u64,
    pub(super) phase: Phase,
    /// The last generation that each invocation took.
    pub(super) holders: BTreeMap<(u32, u32), u64>,
    pub(super) done: Option<Done>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    Committed,
    Delivered,
}

/// A final.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    pub(super) kind: TurnKind,
    pub(super) text: String,
}

/// One call of a model.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) session: SessionKey,
    pub(super) message_id: MessageId,
    pub(super) provider: ProviderName,
    /// The generation that its invocation held then; `None` for one that never took the turn.
    pub(super) generation: Option<u64>,
    pub(super) text: String,
    pub(super) finished: bool,
}

impl Book {
    pub(super) fn session(&mut self, key: &SessionKey) -> &mut Session {
        if !self.sessions.contains_key(key) {
            self.sessions.insert(key.clone(), Session::default());
        }
        self.sessions.entry(key.clone()).or_default()
    }

    /// Returns the present life of a session, if it has begun.
    pub(super) fn life(&mut self, key: &SessionKey) -> Option<&mut Life> {
        self.sessions.get_mut(key)?.lives.last_mut()
    }

    /// Returns the calls that were made for a message.
    pub(super) fn calls_of<'b>(
        &'b self,
        key: &'b SessionKey,
        id: &'b MessageId,
    ) -> impl Iterator<Item = &'b Call> {
        self.calls.iter().filter(move |call| call.message_id == *id && call.session == *key)
    }
}

impl Call {
    /// Tells whether the call was made for this generation, as far as that is known.
    pub(super) fn is_of(&self, generation: u64) -> bool {
        self.generation.is_none_or(|held| held == generation)
    }
}

impl Life {
    /// Returns the turn of a message.
    pub(super) fn turn_of(&self, id: &MessageId) -> Option<(u64, &TurnBook)> {
        self.turns
            .iter()
            .find(|(_, turn)| turn.message_id == *id)
            .map(|(number, turn)| (*number, turn))
    }
}

pub(super) fn found(invariant: &'static str, subject: Subject, what: String) -> Violation {
    Violation { invariant, subject, what }
}
