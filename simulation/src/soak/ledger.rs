//! What was posted, accepted, generated and shown, as far as it is known outside the server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::domain::{ErrorCode, FinishReason};
use tokio::time::Instant;

use crate::checks::mark;
use crate::faults::{Tally, lock};
use client::account::StoredTurn;
use client::rule::{EndFrame, FinalTurn};

/// How many violations are kept, and how much of each: later ones follow from the first.
const KEPT: usize = 8;
const KEPT_CHARS: usize = 800;

/// Identifies a session: its owner, and its ID, which other owners use as well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SessionRef {
    pub(super) owner: u32,
    pub(super) session: String,
}

/// All that is known of a run.
pub(super) struct Ledger {
    pub(super) tally: Tally,
    faulty: AtomicBool,
    sessions: Mutex<BTreeMap<SessionRef, Session>>,
    /// What models said, by the mark of the message.
    calls: Mutex<BTreeMap<String, Vec<ModelCall>>>,
    violations: Mutex<Vec<String>>,
}

/// One session.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    pub(super) posted: BTreeMap<u32, PostedMessage>,
    /// The finals that any client received, by turn.
    pub(super) finals: BTreeMap<u64, ObservedFinal>,
    answered: BTreeSet<String>,
    pub(super) deletion_begun: bool,
    pub(super) deleted: bool,
}

/// One message.
#[derive(Debug, Clone)]
pub(super) struct PostedMessage {
    pub(super) text: String,
    pub(super) first_at: Instant,
    /// When the first 202 came.
    pub(super) accepted_at: Option<Instant>,
    pub(super) stop_asked: bool,
    /// When a stop was answered 202 that was asked for after the message's own 202.
    pub(super) stopped_at: Option<Instant>,
}

/// A final, from whichever source it was learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObservedFinal {
    pub(super) message_id: String,
    pub(super) text: String,
    pub(super) error: Option<ErrorCode>,
    pub(super) finish_reason: Option<FinishReason>,
}

/// One call of a model.
#[derive(Debug, Clone)]
pub(super) struct ModelCall {
    /// All that it can have said.
    pub(super) text: String,
    /// Whether that is a whole reply.
    pub(super) whole: bool,
    /// When the last piece was sent, at the earliest.
    pub(super) full_at: Instant,
    /// The hashes of the messages before the last one in its prompt, oldest first.
    pub(super) told: Vec<u64>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let tally = Tally::default();
        let faulty = AtomicBool::new(true);
        Self {
            tally,
            faulty,
            sessions: Mutex::default(),
            calls: Mutex::default(),
            violations: Mutex::default(),
        }
    }

    /// Notes that an invariant of ARCHITECTURE.md does not hold.
    pub(super) fn violation(&self, invariant: &str, what: impl AsRef<str>) {
        let mut violations = lock(&self.violations);
        if violations.len() < KEPT {
            let what: String = what.as_ref().chars().take(KEPT_CHARS).collect();
            violations.push(format!("invariant {invariant}: {what}"));
        }
    }

    pub(super) fn violations(&self) -> Vec<String> {
        lock(&self.violations).clone()
    }

    /// Tells whether clients and providers still misbehave.
    pub(super) fn has_faults(&self) -> bool {
        self.faulty.load(Ordering::Relaxed)
    }

    pub(super) fn stop_faults(&self) {
        self.faulty.store(false, Ordering::Relaxed);
    }

    /// Looks a session up, or notes something down.
    pub(super) fn with<T>(
        &self,
        session_ref: &SessionRef,
        act: impl FnOnce(&mut Session) -> T,
    ) -> T {
        let mut sessions = lock(&self.sessions);
        act(sessions.entry(session_ref.clone()).or_default())
    }

    /// Records a final that a client received; the final of a turn must never change.
    pub(super) fn final_seen(&self, session_ref: &SessionRef, turn: u64, found: &ObservedFinal) {
        let first = self.with(session_ref, |session| {
            session.answered.insert(found.message_id.clone());
            session.finals.entry(turn).or_insert_with(|| found.clone()).clone()
        });
        if first != *found {
            self.violation(
                "2",
                format!(
                    "{session_ref}: the final of turn {turn} was {first:?}, and is now {found:?}"
                ),
            );
        }
    }

    /// Tells whether somebody saw the final of a message, or its session is over.
    pub(super) fn is_settled(&self, session_ref: &SessionRef, message_id: &str) -> bool {
        self.with(session_ref, |session| {
            session.deletion_begun || session.answered.contains(message_id)
        })
    }

    /// Notes a call of a model; returns how many there were for the message by now.
    pub(super) fn called(&self, mark: String, said: ModelCall) -> usize {
        let mut calls = lock(&self.calls);
        let calls = calls.entry(mark).or_default();
        calls.push(said);
        calls.len()
    }

    /// Returns the calls that were made for a message.
    pub(super) fn calls_of(&self, session_ref: &SessionRef, message_id: &str) -> Vec<ModelCall> {
        let calls = lock(&self.calls);
        session_ref
            .mark_of(message_id)
            .and_then(|mark| calls.get(&mark))
            .cloned()
            .unwrap_or_default()
    }

    /// Tells whether a text is the beginning of what a model said about a message.
    pub(super) fn was_said(&self, session_ref: &SessionRef, message_id: &str, text: &str) -> bool {
        let calls = lock(&self.calls);
        let mut calls =
            session_ref.mark_of(message_id).and_then(|mark| calls.get(&mark)).into_iter().flatten();
        text.is_empty() || calls.any(|said| said.text.starts_with(text))
    }
}

impl SessionRef {
    /// Returns the mark with which a message begins that has this id.
    fn mark_of(&self, message_id: &str) -> Option<String> {
        Some(mark(self.owner, &self.session, number_of(message_id)?))
    }
}

impl std::fmt::Display for SessionRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of account {}", self.session, self.owner)
    }
}

/// Returns the number in a message's id.
pub(super) fn number_of(message_id: &str) -> Option<u32> {
    message_id.strip_prefix('m')?.parse().ok()
}

impl ObservedFinal {
    /// Reads the frame of a final; `None` where the text did not fit.
    pub(super) fn pushed(frame: EndFrame) -> Option<Self> {
        let EndFrame { message_id, error, text, finish_reason, .. } = frame;
        Some(Self { message_id, text: text?, error, finish_reason })
    }

    pub(super) fn shown(turn: &FinalTurn) -> Self {
        let message_id = turn.message_id.clone();
        let text = turn.text.clone();
        Self { message_id, text, error: turn.error, finish_reason: turn.finish_reason }
    }

    /// Reads a turn of the history; `None` while it runs.
    pub(super) fn stored(turn: &StoredTurn) -> Option<Self> {
        turn.kind?;
        let message_id = turn.message_id.clone();
        let text = turn.text.clone().unwrap_or_default();
        Some(Self {
            message_id,
            text,
            error: turn.error.as_ref().map(|error| error.code),
            finish_reason: turn.finish_reason,
        })
    }
}
