//! What was asked and answered.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use shared::domain::{MessageId, SessionKey};
use tokio::time::Instant;

use super::Checker;
use super::expected::ExpectedMessage;
use super::mark::foreign;
use super::tabs::TabWatch;
use crate::faults::Subject;
use client::account::{History, StoredTurn};

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
                    stopped_at: None,
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
                    promise.stopped_at.get_or_insert_with(Instant::now);
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
        TabWatch::new(Arc::clone(self), key, owner)
    }
}
