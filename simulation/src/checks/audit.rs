//! The end: nothing lost, nothing doubled, nothing left over.

use futures::FutureExt as _;
use shared::domain::{MessageId, SessionKey};
use shared::ports::Store as _;
use shared::ports::store::Item;
use shared::protocol::{SessionRow, keys};

use super::expected::{ExpectedState, Phase, SessionLifetime, found};
use super::{Checker, Violation};
use crate::faults::Subject;
use client::tab::TabView;

impl Checker {
    /// Tells whether every turn of every living session is delivered.
    pub fn is_at_rest(&self) -> bool {
        self.with(|expected| {
            let lives = expected
                .sessions
                .iter()
                .filter_map(|(key, session)| Some((key, session.lives.last()?)));
            let delivered = |life: &SessionLifetime| {
                life.turns.values().all(|turn| turn.phase == Phase::Delivered)
            };
            lives
                .into_iter()
                .all(|(key, life)| life.deleted || delivered(life) || !self.is_stored(key))
        })
    }

    /// Counts the turns that have their final, of all lives.
    pub fn turns(&self) -> u64 {
        self.with(|expected| {
            let lives = expected.sessions.values().flat_map(|session| &session.lives);
            let done = lives
                .flat_map(|life| life.turns.values())
                .filter(|turn| turn.done.is_some())
                .count();
            u64::try_from(done).unwrap_or(u64::MAX)
        })
    }

    /// Returns the session and number of every turn, by message, so that faults can be counted by
    /// turn.
    pub fn messages_of_turns(&self) -> Vec<(SessionKey, u64, MessageId)> {
        self.with(|expected| {
            let sessions = expected
                .sessions
                .iter()
                .flat_map(|(key, session)| session.lives.iter().map(move |l| (key, l)));
            let turns = sessions.flat_map(|(key, life)| {
                life.turns.iter().map(move |(number, turn)| (key, number, turn))
            });
            turns
                .map(|(key, number, turn)| (key.clone(), *number, turn.message_id.clone()))
                .collect()
        })
    }

    /// Checks everything once more when all is quiet and no fault is left.
    pub fn audit(&self) {
        let rows = self.store.dump();
        let findings = self.with(|expected| {
            let mut findings = Vec::new();
            for (key, session) in &expected.sessions {
                let stored: Vec<&Item> =
                    rows.iter().filter(|row| row.key.partition == key.as_str()).collect();
                let Some(life) = session.lives.last() else { continue };
                if life.deleted {
                    findings.extend(nothing_left(key, &stored));
                } else if let Some(meta) = meta(&stored) {
                    findings.extend(living(expected, key, life, &meta, self.is_stored(key)));
                }
                findings.extend(in_order(expected, key, life));
            }
            findings
        });
        self.report(findings);
    }

    /// Tells whether a tab shows every final of its session, or knows that the session is over.
    pub fn is_current(&self, key: &SessionKey, view: &TabView) -> bool {
        view.ended.is_some() || self.last_turn(key) == Some(view.cursor)
    }

    /// Checks what a tab shows when all is quiet.
    pub fn audit_tab(&self, key: &SessionKey, tab: u32, view: &TabView) {
        if !self.is_current(key, view) {
            let last = self.last_turn(key);
            let what = || {
                format!(
                    "tab{tab} shows finals up to {}, and the session's last is {last:?}",
                    view.cursor
                )
            };
            self.violation("10", &Subject::Session(key.clone()), what);
        }
    }

    /// Tells whether a session is there for those who read it: past its end it is not, though its
    /// rows may be.
    fn is_stored(&self, key: &SessionKey) -> bool {
        let rows = self.store.get(&[keys::session(key)]).now_or_never().and_then(Result::ok);
        rows.is_some_and(|rows| rows.iter().any(Option::is_some))
    }

    /// Returns the number of a living session's last turn, 0 if it has none; `None` if the session
    /// is over.
    fn last_turn(&self, key: &SessionKey) -> Option<u64> {
        let rows = self.store.get(&[keys::session(key)]).now_or_never()?.ok()?;
        let alive = rows.first()?.as_ref().is_some_and(|row| !row.flag("deleted"));
        let last = self.with(|expected| {
            Some(expected.life(key)?.turns.keys().next_back().copied().unwrap_or(0))
        });
        last.filter(|_| alive)
    }
}

fn meta(rows: &[&Item]) -> Option<SessionRow> {
    rows.iter().find(|row| row.key.sort == "META").and_then(|row| row.to_row().ok())
}

fn nothing_left(key: &SessionKey, rows: &[&Item]) -> Option<Violation> {
    let left = rows.iter().find(|row| row.key.sort != "META")?;
    Some(found(
        "1",
        Subject::Session(key.clone()),
        format!("{} is left of a deleted session", left.key.sort),
    ))
}

/// What a session owes that was not deleted; no more answers once it is past its end.
fn living(
    expected: &ExpectedState,
    key: &SessionKey,
    life: &SessionLifetime,
    meta: &SessionRow,
    answers: bool,
) -> Vec<Violation> {
    let subject = |id: &MessageId| Subject::Message(key.clone(), id.clone());
    let mut findings = Vec::new();
    let messages_sent = expected.sessions.get(key).map(|session| &session.messages_sent);
    for (id, promise) in messages_sent.into_iter().flatten() {
        let owed = answers && promise.accepted_at.is_some() && life.messages.contains(id);
        let done = life.turn_of(id).is_some_and(|(_, turn)| turn.done.is_some());
        if owed && !done {
            findings.push(found(
                "1",
                subject(id),
                "it was accepted (202) but has no final".to_owned(),
            ));
        }
    }
    for (number, turn) in &life.turns {
        let start = format!("{key}.{number}.{}.", turn.message_id);
        let event =
            expected.events.range(start.clone()..).next().filter(|(id, _)| id.starts_with(&start));
        if turn.phase == Phase::Delivered && event.is_none() {
            findings.push(found(
                "9",
                subject(&turn.message_id),
                format!("turn {number} has no event {start}…"),
            ));
        }
    }
    let delivered = life.turns.values().filter(|turn| turn.phase == Phase::Delivered).count();
    if u64::try_from(delivered) != Ok(meta.total_turns) {
        let what =
            format!("the totals count {} turns, and {delivered} were delivered", meta.total_turns);
        findings.push(found("9", Subject::Session(key.clone()), what));
    }
    findings
}

/// A message that was sent after another one's 202 comes after it, unless that one was a dead
/// letter.
fn in_order(expected: &ExpectedState, key: &SessionKey, life: &SessionLifetime) -> Vec<Violation> {
    let messages_sent = expected.sessions.get(key).map(|session| &session.messages_sent);
    let Some(messages_sent) = messages_sent else { return Vec::new() };
    let turns: Vec<_> = life
        .turns
        .iter()
        .filter_map(|(n, t)| Some((n, messages_sent.get(&t.message_id)?)))
        .collect();
    let overtaken = |(at, (number, promise)): (usize, &(&u64, &super::ExpectedMessage))| {
        let accepted = promise.accepted_at.filter(|_| !promise.dead_lettered)?;
        let earlier = turns[..at]
            .iter()
            .find(|(_, earlier)| earlier.sent_at > accepted && !earlier.submitted)?;
        Some(format!(
            "turn {} was sent after the 202 of turn {number}, and came before it",
            earlier.0
        ))
    };
    let subject = Subject::Session(key.clone());
    turns
        .iter()
        .enumerate()
        .filter_map(overtaken)
        .map(|what| found("3", subject.clone(), what))
        .collect()
}
