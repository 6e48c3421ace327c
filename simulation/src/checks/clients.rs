//! What was asked, answered and shown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt as _;
use http::{Request, Response};
use shared::domain::{MessageId, SessionKey, TurnNumber};
use shared::ports::Store as _;
use shared::protocol::keys;
use tokio::time::Instant;

use super::Checker;
use super::expected::ExpectedMessage;
use super::mark::foreign;
use crate::faults::{Subject, lock};
use crate::provisional::ProvisionalTexts;
use client::account::{History, StoredTurn};
use client::recording::Step;
use client::rule::{FinalTurn, Input, Resumed};
use client::tab::{Observer, TabId};

impl Checker {
    /// Notes whose session it is.
    pub fn owned(&self, key: &SessionKey, owner: u32) {
        self.with(|expected| expected.session(key).owner = Some(owner));
    }

    /// Notes that a message is about to be sent.
    pub fn sending(&self, key: &SessionKey, id: &MessageId, text: &str, submitted: bool) {
        self.with(|expected| {
            expected.texts.insert(text.to_owned(), (key.clone(), id.clone()));
            expected.session(key).messages_sent.entry(id.clone()).or_insert_with(|| {
                ExpectedMessage {
                    text: text.to_owned(),
                    sent_at: Instant::now(),
                    accepted_at: None,
                    stopped: false,
                    dead_lettered: false,
                    submitted,
                }
            });
        });
    }

    /// Notes that a message was answered 202: from now on it is owed an answer.
    pub fn accepted(&self, key: &SessionKey, id: &MessageId) {
        let recorded = self.with(|expected| {
            let session = expected.session(key);
            if let Some(promise) = session.messages_sent.get_mut(id) {
                promise.accepted_at.get_or_insert_with(Instant::now);
            }
            session.lives.iter().any(|life| life.messages.contains(id))
        });
        if !recorded {
            let what = || "it was accepted (202) but not recorded".to_owned();
            self.violation("1", &Subject::Message(key.clone(), id.clone()), what);
        }
    }

    /// Notes that a message was refused for good: everything that a person sends is to be accepted
    /// or gone.
    pub fn refused(&self, key: &SessionKey, id: &MessageId, why: &str) {
        let what = || format!("a valid message was refused: {why}");
        self.violation("1", &Subject::Message(key.clone(), id.clone()), what);
    }

    /// Checks what the history tells: finals as they were committed.
    pub fn read_back(&self, key: &SessionKey, history: &History) {
        let wrong = self.with(|expected| {
            let lives = expected
                .sessions
                .get(key)
                .map(|session| session.lives.as_slice())
                .unwrap_or_default();
            let known = |told: &StoredTurn| {
                let turns = lives.iter().filter_map(|life| life.turns.get(&told.turn));
                turns.filter(|turn| turn.message_id.as_str() == told.message_id).any(|turn| {
                    match &turn.done {
                        Some(done) => {
                            told.kind.is_none()
                                || told.text.as_deref().unwrap_or_default() == done.text
                        }
                        None => told.kind.is_none(),
                    }
                })
            };
            history.turns.iter().find(|told| !known(told)).map(|told| told.turn)
        });
        if let Some(turn) = wrong {
            let what = || {
                format!("the history contains turn {turn}, which differs from the committed one")
            };
            self.violation("2", &Subject::Session(key.clone()), what);
        }
    }

    /// Tells whether a message was answered 202 and is not final yet: a stop that begins now must
    /// count.
    pub fn is_stoppable(&self, key: &SessionKey, id: &MessageId) -> bool {
        self.with(|expected| {
            let Some(session) = expected.sessions.get(key) else { return false };
            let accepted =
                session.messages_sent.get(id).is_some_and(|promise| promise.accepted_at.is_some());
            let Some(life) = session.lives.last() else { return false };
            let over = life.turn_of(id).is_some_and(|(_, turn)| turn.done.is_some());
            accepted && life.messages.contains(id) && !life.deleted && !over
        })
    }

    /// Notes that a stop was answered 202.
    pub fn stopped(&self, key: &SessionKey, id: &MessageId) {
        if self.is_stoppable(key, id) {
            self.with(|expected| {
                if let Some(promise) = expected.session(key).messages_sent.get_mut(id) {
                    promise.stopped = true;
                }
            });
        }
    }

    /// Tells whether a message has its final, or will never have one because its session is over.
    pub fn is_settled(&self, key: &SessionKey, id: &MessageId) -> bool {
        self.with(|expected| {
            let Some(life) = expected.life(key) else { return true };
            life.deleted || life.turn_of(id).is_some_and(|(_, turn)| turn.done.is_some())
        })
    }

    /// Returns how many turns of a session's present life have their final.
    pub fn finals(&self, key: &SessionKey) -> u64 {
        self.with(|expected| {
            let turns = expected
                .life(key)
                .map_or(0, |life| life.turns.values().filter(|turn| turn.done.is_some()).count());
            u64::try_from(turns).unwrap_or(u64::MAX)
        })
    }

    /// Finds out whom a request is about, as far as its address tells.
    pub(crate) fn subject_of(&self, owner: u32, request: &Request<Bytes>) -> Subject {
        let _ = request;
        self.with(|expected| {
            let mut own =
                expected.sessions.iter().filter(|(_, session)| session.owner == Some(owner));
            own.next().map_or(Subject::Nobody, |(key, _)| Subject::Session(key.clone()))
        })
    }

    /// Checks an answer: nothing of anybody else in it.
    pub(crate) fn answered(&self, owner: u32, subject: &Subject, response: &Response<Bytes>) {
        self.trace.note(subject, response.status().as_u16(), || {
            format!("u{owner} was answered {}", response.status())
        });
        if let Some(other) = foreign(owner, &String::from_utf8_lossy(response.body())) {
            self.violation("7", subject, || {
                format!("account {owner} received text that belongs to {other}")
            });
        }
        if response.status().as_u16() == 500 {
            self.violation("8", subject, || "the response was a plain 500".to_owned());
        }
    }

    /// Checks a frame that was just taken for a connection: a final must be durable by then.
    pub(crate) fn pushed(&self, key: &SessionKey, frame: &str) {
        let finished = frame.starts_with("{\"type\":\"RUN_FINISHED\"")
            || frame.starts_with("{\"type\":\"RUN_ERROR\"");
        if !finished {
            return;
        }
        let number = serde_json::from_str::<serde_json::Value>(frame)
            .ok()
            .and_then(|f| f["metadata"]["turn"].as_u64());
        let durable = self.with(|expected| {
            let lives = expected.sessions.get(key).map(|session| &session.lives)?;
            let turns = lives.iter().filter_map(|life| life.turns.get(&number?));
            Some(turns.into_iter().any(|turn| turn.done.is_some()))
        });
        if durable != Some(true) {
            let what = || format!("a final of turn {number:?} was pushed before its commit");
            self.violation("5", &Subject::Session(key.clone()), what);
        }
    }

    /// Makes the watch over one tab.
    pub fn watch(self: &Arc<Self>, key: SessionKey, owner: u32) -> Arc<TabWatch> {
        Arc::new(TabWatch { checker: Arc::clone(self), key, owner, state: Mutex::default() })
    }
}

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
    /// The provisional text of each turn above the cursor: its generation and how long it is.
    provisional: ProvisionalTexts,
}

impl TabWatch {
    fn subject(&self) -> Subject {
        Subject::Session(self.key.clone())
    }

    fn violation(&self, invariant: &'static str, tab: TabId, what: &str) {
        self.checker.violation(invariant, &self.subject(), || format!("{tab}: {what}"));
    }
}

impl Observer for TabWatch {
    fn connected(&self, tab: TabId, times: u32) {
        if times > 1 {
            self.checker.faults.tally().event("reconnections");
        }
        self.checker
            .trace
            .note(&self.subject(), (tab.0, times), || format!("{tab} connected, {times}. time"));
    }

    fn resume_requested(&self, tab: TabId, after: u64) {
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
        drop(state);
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
            Some(done) if done.kind != turn.kind || done.text != turn.text => {
                let what = format!(
                    "turn {} is {done:?} and shows {:?} {:?}",
                    turn.number, turn.kind, turn.text
                );
                self.violation("2", tab, &what);
            }
            Some(_) => (),
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
