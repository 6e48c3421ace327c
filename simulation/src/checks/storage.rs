//! Every write, at the moment it is applied.

use shared::domain::{MessageId, SessionKey, TurnKind};
use tokio::time::Instant;

use super::change::ChangeKind;
use super::expected::{ExpectedState, ExpectedTurn, ObservedFinal, Phase, SessionLifetime, found};
use super::{Checker, StoreChange, Violation};
use crate::faults::{Process, Subject};

/// What is kept of a reply, in bytes.
const LONGEST_REPLY: usize = 200 * 1024;

/// Who wrote: a process and its invocation.
type Writer = (u32, u32);

impl Checker {
    /// Checks a write that was just applied.
    pub(crate) fn wrote(&self, process: &Process, change: &StoreChange) {
        let writer = process.invocation();
        let findings = self.with(|expected| judge(expected, writer, change));
        if matches!(change.act, ChangeKind::Regenerated { .. }) {
            self.faults.tally().event("restarts");
        }
        self.trace.note(&Subject::Session(change.key.clone()), digest(&change.act), || {
            format!("{:?} {} wrote {}", process.function(), process.id(), describe(&change.act))
        });
        self.report(findings);
        match &change.act {
            ChangeKind::Committed { turn, kind: TurnKind::Cancelled, .. } => {
                self.stop_took_effect(&change.key, *turn);
            }
            ChangeKind::Delivered { turn } => {
                self.followed_up(&change.key, *turn, "delivery");
            }
            _ => (),
        }
    }
}

fn judge(expected: &mut ExpectedState, writer: Writer, change: &StoreChange) -> Vec<Violation> {
    let StoreChange { key, act } = change;
    match act {
        ChangeKind::Born => {
            expected.session(key).lives.push(SessionLifetime::default());
            Vec::new()
        }
        ChangeKind::Buried => {
            if let Some(life) = expected.life(key) {
                life.deleted = true;
            }
            Vec::new()
        }
        ChangeKind::Counted => counted(expected, key),
        ChangeKind::Recorded(id) => recorded(expected, key, id),
        ChangeKind::Claimed { turn, message_id } => {
            claimed(expected, writer, key, *turn, message_id)
        }
        ChangeKind::Regenerated { turn, epoch } => with_turn(expected, key, *turn, |turn| {
            turn.epoch = *epoch;
            turn.began_at = Instant::now();
            turn.holders.insert(writer, *epoch);
            running(turn, "another generation was begun")
        }),
        ChangeKind::Checkpointed { turn } => with_turn(expected, key, *turn, |turn| {
            running(turn, "provisional text was saved")
                .or_else(|| fenced(turn, writer, "saved its text"))
        }),
        ChangeKind::Committed { turn, kind, text } => {
            committed(expected, writer, key, *turn, *kind, text)
        }
        ChangeKind::Delivered { turn } => delivered(expected, key, *turn),
        ChangeKind::Connected => {
            alive(expected, key, "a connection was registered").into_iter().collect()
        }
        ChangeKind::Changed => Vec::new(),
    }
}

/// A problem, with its invariant.
type Problem = Option<(&'static str, String)>;

fn with_turn(
    expected: &mut ExpectedState,
    key: &SessionKey,
    number: u64,
    act: impl FnOnce(&mut ExpectedTurn) -> Problem,
) -> Vec<Violation> {
    let subject = Subject::Session(key.clone());
    let Some(turn) = expected.life(key).and_then(|life| life.turns.get_mut(&number)) else {
        return vec![found("5", subject, format!("turn {number} was written but never claimed"))];
    };
    let problem = act(turn);
    problem
        .map(|(invariant, what)| found(invariant, subject, format!("turn {number}: {what}")))
        .into_iter()
        .collect()
}

fn running(turn: &ExpectedTurn, what: &str) -> Problem {
    (turn.phase != Phase::Running).then(|| ("2", format!("{what} after the final")))
}

/// An invocation that took a generation of this turn must hold the newest one.
fn fenced(turn: &ExpectedTurn, writer: Writer, what: &str) -> Problem {
    let held = turn.holders.get(&writer)?;
    (*held != turn.epoch)
        .then(|| ("5", format!("generation {held} {what} while {} stands", turn.epoch)))
}

/// Tells whether a final needs the generation that its worker took: an error or a cancellation is
/// also written by one that found the turn stopped or begun too often, at the generation that it
/// read.
fn own(kind: TurnKind) -> bool {
    kind == TurnKind::Reply
}

fn alive(expected: &mut ExpectedState, key: &SessionKey, what: &str) -> Option<Violation> {
    let subject = Subject::Session(key.clone());
    match expected.life(key) {
        Some(life) if !life.deleted => None,
        _ => Some(found(
            "1",
            subject,
            format!("{what} in a session that is deleted or was never created"),
        )),
    }
}

fn counted(expected: &mut ExpectedState, key: &SessionKey) -> Vec<Violation> {
    let Some(life) = expected.life(key) else { return Vec::new() };
    life.delivered += 1;
    let turns = u64::try_from(life.turns.values().filter(|turn| turn.done.is_some()).count())
        .unwrap_or(u64::MAX);
    let many = life.delivered > turns;
    let what = || format!("the totals count {} turns of {turns}", life.delivered);
    many.then(|| found("9", Subject::Session(key.clone()), what())).into_iter().collect()
}

fn recorded(expected: &mut ExpectedState, key: &SessionKey, id: &MessageId) -> Vec<Violation> {
    let mut findings: Vec<_> = alive(expected, key, "a message was recorded").into_iter().collect();
    let Some(life) = expected.life(key) else { return findings };
    if !life.messages.insert(id.clone()) {
        let subject = Subject::Message(key.clone(), id.clone());
        findings.push(found("2", subject, "the message was recorded twice".to_owned()));
    }
    findings
}

fn claimed(
    expected: &mut ExpectedState,
    writer: Writer,
    key: &SessionKey,
    number: u64,
    id: &MessageId,
) -> Vec<Violation> {
    let subject = Subject::Message(key.clone(), id.clone());
    let mut findings: Vec<_> = alive(expected, key, "a turn was claimed").into_iter().collect();
    let Some(life) = expected.life(key) else { return findings };
    let mut find = |invariant, what: String| findings.push(found(invariant, subject.clone(), what));
    if let Some((earlier, _)) = life.turn_of(id) {
        find("2", format!("turn {number} was claimed for a message that has turn {earlier}"));
    }
    if life.turns.contains_key(&number) {
        find("2", format!("turn {number} was claimed twice"));
    }
    let expected = life.turns.keys().next_back().map_or(1, |last| last + 1);
    if number != expected {
        find("3", format!("turn {number} was claimed, and {expected} was next"));
    }
    if let Some((before, _)) = life.turns.iter().find(|(_, turn)| turn.phase == Phase::Running) {
        find("4", format!("turn {number} was claimed while turn {before} is running"));
    }
    let turn = ExpectedTurn {
        message_id: id.clone(),
        epoch: 1,
        phase: Phase::Running,
        began_at: Instant::now(),
        holders: [(writer, 1)].into(),
        done: None,
    };
    life.turns.insert(number, turn);
    findings
}

fn committed(
    expected: &mut ExpectedState,
    writer: Writer,
    key: &SessionKey,
    number: u64,
    kind: TurnKind,
    text: &str,
) -> Vec<Violation> {
    let turn = expected.life(key).and_then(|life| life.turns.get(&number));
    let (id, epoch) = turn.map(|turn| (turn.message_id.clone(), turn.epoch)).unzip();
    let whole = id.as_ref().zip(epoch).is_none_or(|(id, epoch)| {
        let mut calls = expected.calls_of(key, id).filter(|call| call.is_of(epoch));
        match kind {
            TurnKind::Reply => {
                calls.any(|call| call.finished && call.text == text || is_cut(text, &call.text))
            }
            // What was said last may not have reached the text yet.
            TurnKind::Cancelled => text.is_empty() || calls.any(|call| call.text.starts_with(text)),
            TurnKind::Error => text.is_empty(),
        }
    });
    let stopped = id
        .as_ref()
        .and_then(|id| expected.sessions.get(key)?.messages_sent.get(id))
        .is_some_and(|p| p.stopped_at.is_some());
    with_turn(expected, key, number, |turn| {
        let problem = running(turn, "it was committed")
            .or_else(|| own(kind).then(|| fenced(turn, writer, "was committed")).flatten())
            .or_else(|| {
                (!whole).then(|| {
                    (
                        "2",
                        format!(
                            "the final {text:?} is not the reply of any one call of its generation"
                        ),
                    )
                })
            })
            .or_else(|| {
                (stopped && kind != TurnKind::Cancelled)
                    .then(|| ("1", format!("it was stopped but ended as {kind:?}")))
            });
        turn.phase = Phase::Committed;
        turn.done = Some(ObservedFinal { kind, text: text.to_owned(), at: Instant::now() });
        problem
    })
}

/// Tells whether a text is what is kept of a reply that is too long.
fn is_cut(text: &str, said: &str) -> bool {
    said.len() > LONGEST_REPLY
        && text.len() + char::MAX_LEN_UTF8 > LONGEST_REPLY
        && said.starts_with(text)
}

fn delivered(expected: &mut ExpectedState, key: &SessionKey, number: u64) -> Vec<Violation> {
    with_turn(expected, key, number, |turn| {
        let problem = match turn.phase {
            Phase::Committed => None,
            Phase::Running => {
                Some(("5", "it was marked as delivered before its commit".to_owned()))
            }
            Phase::Delivered => Some(("9", "it was marked as delivered twice".to_owned())),
        };
        turn.phase = Phase::Delivered;
        problem
    })
}

fn digest(act: &ChangeKind) -> (u8, u64) {
    match act {
        ChangeKind::Born => (1, 0),
        ChangeKind::Buried => (2, 0),
        ChangeKind::Counted => (3, 0),
        ChangeKind::Recorded(_) => (4, 0),
        ChangeKind::Claimed { turn, .. } => (5, *turn),
        ChangeKind::Regenerated { turn, epoch } => (6, turn * 1000 + epoch),
        ChangeKind::Checkpointed { turn } => (7, *turn),
        ChangeKind::Committed { turn, text, .. } => {
            (8, turn * 1_000_000 + u64::try_from(text.len()).unwrap_or(0))
        }
        ChangeKind::Delivered { turn } => (9, *turn),
        ChangeKind::Connected => (10, 0),
        ChangeKind::Changed => (11, 0),
    }
}

fn describe(act: &ChangeKind) -> String {
    match act {
        ChangeKind::Committed { turn, kind, text } => {
            format!("turn {turn} as {kind:?} of {} bytes", text.len())
        }
        other => format!("{other:?}"),
    }
}
