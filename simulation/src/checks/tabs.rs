//! What a tab shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use shared::domain::{SessionKey, TurnNumber};
use shared::ports::Store as _;
use shared::protocol::keys;
use tokio::time::Instant;

use super::Checker;
use super::expected::ObservedFinal;
use super::mark::foreign;
use crate::faults::{Subject, lock};
use crate::provisional::ProvisionalTexts;
use client::recording::Step;
use client::rule::{FinalTurn, Input, Resumed};
use client::tab::{Observer, TabId};

/// Watches what one tab shows.
#[derive(Debug)]
pub struct TabWatch {
    checker: Arc<Checker>,
    key: SessionKey,
    owner: u32,
    state: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    cursor: u64,
    finals: BTreeMap<String, u64>,
    /// When this connection asked for what it missed, for the first time.
    asked_at: Option<Instant>,
    /// The generations of which provisional text was shown.
    begun: BTreeSet<(u64, u64)>,
    /// The provisional text of each turn above the cursor: its generation and how long it is.
    provisional: ProvisionalTexts,
}

impl TabWatch {
    pub(super) fn new(checker: Arc<Checker>, key: SessionKey, owner: u32) -> Arc<Self> {
        Arc::new(Self { checker, key, owner, state: Mutex::default() })
    }

    fn subject(&self) -> Subject {
        Subject::Session(self.key.clone())
    }

    fn judge_delay(&self, tab: TabId, turn: u64, done: &ObservedFinal) {
        let state = lock(&self.state);
        let asked_at = state.asked_at;
        let begun = state.begun.range((turn, 0)..=(turn, u64::MAX)).next().is_some();
        drop(state);
        self.checker.final_shown(&self.key, tab, turn, done, asked_at, begun);
    }

    fn violation(&self, invariant: &'static str, tab: TabId, what: &str) {
        self.checker.violation(invariant, &self.subject(), || format!("{tab}: {what}"));
    }
}

impl Observer for TabWatch {
    fn connected(&self, tab: TabId, times: u32) {
        lock(&self.state).asked_at = None;
        if times > 1 {
            self.checker.faults.tally().event("reconnections");
        }
        self.checker
            .trace
            .note(&self.subject(), (tab.0, times), || format!("{tab} connected, {times}. time"));
    }

    fn resume_requested(&self, tab: TabId, after: u64) {
        lock(&self.state).asked_at.get_or_insert_with(Instant::now);
        self.checker
            .trace
            .note(&self.subject(), (tab.0, after), || format!("{tab} resumes after {after}"));
    }

    fn resumed(&self, tab: TabId, resumed: Resumed) {
        self.checker.trace.note(&self.subject(), tab.0, || format!("{tab} resumed: {resumed:?}"));
    }

    fn frame_received(&self, tab: TabId, raw: &str) {
        self.checker.trace.tab(tab, || {
            Some(Step::Frame { frame: serde_json::from_str(raw).unwrap_or_default() })
        });
        if let Some(other) = foreign(self.owner, raw) {
            self.violation("7", tab, &format!("it received text that belongs to {other}"));
        }
    }

    fn rule_input(&self, tab: TabId, input: &Input<'_>) {
        self.checker.trace.tab(tab, || Step::of(input));
    }

    fn text_shown(&self, tab: TabId, turn: u64, generation: u64, text: &str) {
        self.checker
            .trace
            .tab(tab, || Some(Step::Text { turn, generation, text: text.to_owned() }));
        let said = self.checker.with(|expected| {
            let lives = expected
                .sessions
                .get(&self.key)
                .map(|session| session.lives.as_slice())
                .unwrap_or_default();
            let turns = lives.iter().rev().filter_map(|life| life.turns.get(&turn));
            let mut calls = turns.flat_map(|turn| expected.calls_of(&self.key, &turn.message_id));
            text.is_empty()
                || calls.any(|call| call.is_of(generation) && call.text.starts_with(text))
        });
        if !said {
            self.violation(
                "3",
                tab,
                &format!("turn {turn}.{generation} shows {text:?}, which no call of it returned"),
            );
        }
        let mut state = lock(&self.state);
        let shown = state.provisional.show(turn, generation, text);
        let asked_at = state.asked_at;
        let first = !text.is_empty() && state.begun.insert((turn, generation));
        drop(state);
        if first {
            self.checker.first_text_shown(&self.key, tab, turn, generation, asked_at);
        }
        if let Err(problem) = shown {
            self.violation("3", tab, &problem);
        }
        self.checker.trace.note(&self.subject(), (turn, generation, text.len()), || {
            format!("{tab} shows {} bytes of turn {turn}.{generation}", text.len())
        });
    }

    fn final_shown(&self, tab: TabId, turn: &FinalTurn) {
        let number = turn.number;
        let kind = turn.kind;
        let text = &turn.text;
        self.checker
            .trace
            .tab(tab, || Some(Step::Final { turn: number, kind, text: text.clone() }));
        let id = turn.message_id.clone();
        let stored = self.checker.with(|expected| {
            let lives = expected
                .sessions
                .get(&self.key)
                .map(|session| session.lives.as_slice())
                .unwrap_or_default();
            let turns = lives.iter().rev().filter_map(|life| life.turns.get(&turn.number));
            turns
                .into_iter()
                .find(|stored| stored.message_id.as_str() == id)
                .and_then(|stored| stored.done.clone())
        });
        match stored {
            None => self.violation(
                "5",
                tab,
                &format!("turn {} of {id} is shown as final and is not", turn.number),
            ),
            Some(ref done) if done.kind != turn.kind || done.text != turn.text => {
                let what = format!(
                    "turn {} is {done:?} and shows {:?} {:?}",
                    turn.number, turn.kind, turn.text
                );
                self.violation("2", tab, &what);
            }
            Some(done) => self.judge_delay(tab, number, &done),
        }
        let mut state = lock(&self.state);
        let expected = state.cursor + 1;
        let doubled = state.finals.insert(id, turn.number);
        state.cursor = turn.number;
        drop(state);
        if turn.number != expected {
            self.violation(
                "3",
                tab,
                &format!("turn {} is shown where {expected} was next", turn.number),
            );
        }
        if let Some(earlier) = doubled {
            self.violation(
                "2",
                tab,
                &format!("the message of turn {} was shown as turn {earlier} before", turn.number),
            );
        }
        self.checker.trace.note(&self.subject(), (turn.number, turn.text.len()), || {
            format!(
                "{tab} shows turn {} as final: {:?} of {} bytes",
                turn.number,
                turn.kind,
                turn.text.len()
            )
        });
    }

    fn turns_skipped(&self, tab: TabId, cursor: u64) {
        self.checker.trace.tab(tab, || Some(Step::Moved { cursor }));
        let mut state = lock(&self.state);
        let from = state.cursor;
        let to = cursor;
        state.cursor = cursor;
        drop(state);
        // Only turns past their end may be passed over.
        let keys: Vec<_> = (from + 1..=to)
            .filter_map(|number| TurnNumber::parse(number).ok())
            .map(|turn| keys::turn(&self.key, turn))
            .collect();
        let rows =
            self.checker.store.get(&keys).now_or_never().and_then(Result::ok).unwrap_or_default();
        if rows.iter().any(Option::is_some) {
            self.violation("3", tab, &format!("it skipped the existing turns {from} to {to}"));
        }
    }

    fn reset(&self, tab: TabId) {
        self.checker.trace.tab(tab, || Some(Step::Forgot));
        *lock(&self.state) = Shown::default();
        self.checker.trace.note(&self.subject(), tab.0, || format!("{tab} discarded its state"));
    }

    fn checksum_mismatch(&self, tab: TabId, turn: u64) {
        self.violation(
            "2",
            tab,
            &format!("the fetched text of turn {turn} does not match the checksum of its frame"),
        );
    }
}
