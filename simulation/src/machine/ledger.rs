//! What was posted, promised, said and shown, as it is known outside the server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::domain::{ErrorCode, FinishReason};
use tokio::time::Instant;

use crate::checks::mark;
use crate::faults::{Tally, lock};
use client::account::StoredTurn;
use client::rule::{EndFrame, FinalTurn};

/// The first violations tell the story, and their first words.
const KEPT: usize = 8;
const KEPT_CHARS: usize = 800;

/// Names a session: whose it is, and its id, which others use too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat {
    pub(super) owner: u32,
    pub(super) session: String,
}

/// All that is known of a run.
pub(super) struct Ledger {
    pub(super) tally: Tally,
    stormy: AtomicBool,
    sessions: Mutex<BTreeMap<Seat, Session>>,
    /// What models said, by the mark of the message.
    calls: Mutex<BTreeMap<String, Vec<Said>>>,
    violations: Mutex<Vec<String>>,
}

/// One session.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    pub(super) posted: BTreeMap<u32, Posted>,
    /// The finals that anybody was shown or told, by turn.
    pub(super) finals: BTreeMap<u64, Final>,
    answered: BTreeSet<String>,
    pub(super) deletion_begun: bool,
    pub(super) deleted: bool,
}

/// One message.
#[derive(Debug, Clone)]
pub(super) struct Posted {
    pub(super) text: String,
    pub(super) first_at: Instant,
    /// When the first 202 came.
    pub(super) accepted_at: Option<Instant>,
    pub(super) stop_asked: bool,
    /// When a stop was answered 202 that was asked for after the message's own 202.
    pub(super) stopped_at: Option<Instant>,
}

/// A final, whoever told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Final {
    pub(super) message_id: String,
    pub(super) text: String,
    pub(super) error: Option<ErrorCode>,
    pub(super) finish_reason: Option<FinishReason>,
}

/// One call of a model.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// All that it can have said.
    pub(super) text: String,
    /// Whether that is a whole reply.
    pub(super) whole: bool,
    /// When the last piece was sent, at the earliest.
    pub(super) full_at: Instant,
    /// The hashes of what it was told before the message, oldest first.
    pub(super) told: Vec<u64>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let tally = Tally::default();
        let stormy = AtomicBool::new(true);
        Self {
            tally,
            stormy,
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
    pub(super) fn is_stormy(&self) -> bool {
        self.stormy.load(Ordering::Relaxed)
    }

    pub(super) fn calm_down(&self) {
        self.stormy.store(false, Ordering::Relaxed);
    }

    /// Looks a session up, or notes something down.
    pub(super) fn with<T>(&self, seat: &Seat, act: impl FnOnce(&mut Session) -> T) -> T {
        let mut sessions = lock(&self.sessions);
        act(sessions.entry(seat.clone()).or_default())
    }

    /// Notes a final that somebody was shown or told; a turn has one, for ever.
    pub(super) fn final_seen(&self, seat: &Seat, turn: u64, found: &Final) {
        let first = self.with(seat, |session| {
            session.answered.insert(found.message_id.clone());
            session.finals.entry(turn).or_insert_with(|| found.clone()).clone()
        });
        if first != *found {
            self.violation(
                "2",
                format!("{seat}: the final of turn {turn} was {first:?}, and is now {found:?}"),
            );
        }
    }

    /// Tells whether somebody saw the final of a message, or its session is over.
    pub(super) fn is_settled(&self, seat: &Seat, message_id: &str) -> bool {
        self.with(seat, |session| session.deletion_begun || session.answered.contains(message_id))
    }

    /// Notes a call of a model; returns how many there were for the message by now.
    pub(super) fn called(&self, mark: String, said: Said) -> usize {
        let mut calls = lock(&self.calls);
        let calls = calls.entry(mark).or_default();
        calls.push(said);
        calls.len()
    }

    /// Returns the calls that were made for a message.
    pub(super) fn calls_of(&self, seat: &Seat, message_id: &str) -> Vec<Said> {
        let calls = lock(&self.calls);
        seat.mark_of(message_id).and_then(|mark| calls.get(&mark)).cloned().unwrap_or_default()
    }

    /// Tells whether a text is the beginning of what a model said about a message.
    pub(super) fn was_said(&self, seat: &Seat, message_id: &str, text: &str) -> bool {
        let calls = lock(&self.calls);
        let mut calls =
            seat.mark_of(message_id).and_then(|mark| calls.get(&mark)).into_iter().flatten();
        text.is_empty() || calls.any(|said| said.text.starts_with(text))
    }
}

impl Seat {
    /// Returns the mark with which a message begins that has this id.
    fn mark_of(&self, message_id: &str) -> Option<String> {
        Some(mark(self.owner, &self.session, number_of(message_id)?))
    }
}

impl std::fmt::Display for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of account {}", self.session, self.owner)
    }
}

/// Returns the number in a message's id.
pub(super) fn number_of(message_id: &str) -> Option<u32> {
    message_id.strip_prefix('m')?.parse().ok()
}

impl Final {
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
