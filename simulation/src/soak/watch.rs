//! What one tab is sent, and what it shows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Deserialize;

use super::ledger::{Ledger, ObservedFinal, SessionRef};
use crate::checks::foreign;
use crate::faults::lock;
use crate::provisional::ProvisionalTexts;
use client::rule::{FinalTurn, Frame, Resumed, TurnEvent};
use client::tab::{Observer, TabId};

/// Watches one tab.
pub(super) struct TabWatch {
    ledger: Arc<Ledger>,
    session_ref: SessionRef,
    state: Mutex<ShownState>,
}

#[derive(Default)]
struct ShownState {
    cursor: u64,
    /// The provisional text of each turn: its generation and how long it is.
    provisional: ProvisionalTexts,
    /// The message of each turn of which text came.
    messages: BTreeMap<u64, String>,
}

/// Whose text a frame carries.
#[derive(Deserialize)]
struct Content {
    #[serde(rename = "messageId")]
    message_id: String,
}

impl TabWatch {
    pub(super) fn new(ledger: Arc<Ledger>, session_ref: SessionRef) -> Arc<Self> {
        Arc::new(Self { ledger, session_ref, state: Mutex::default() })
    }

    fn violation(&self, invariant: &str, tab: TabId, what: &str) {
        self.ledger.violation(invariant, format!("{tab} on {}: {what}", self.session_ref));
    }

    /// Remembers which message a turn answers; frames carry `<message id>.<generation>`.
    fn name(&self, turn: u64, raw: &str) {
        let content = serde_json::from_str::<Content>(raw);
        if let Some((message, _)) =
            content.ok().as_ref().and_then(|content| content.message_id.rsplit_once('.'))
        {
            lock(&self.state).messages.insert(turn, message.to_owned());
        }
    }
}

impl Observer for TabWatch {
    fn connected(&self, _tab: TabId, times: u32) {
        self.ledger.tally.event(if times > 1 { "reconnections" } else { "connections" });
    }

    fn resumed(&self, _tab: TabId, _resumed: Resumed) {
        self.ledger.tally.event("resumes");
    }

    fn frame_received(&self, tab: TabId, raw: &str) {
        if let Some(other) = foreign(self.session_ref.owner, raw) {
            self.violation("7", tab, &format!("it was sent what belongs to {other}"));
        }
        let Frame::Turn(frame) = Frame::parse(raw) else { return };
        match frame.event {
            TurnEvent::Content { .. } => self.name(frame.turn, raw),
            TurnEvent::End(end) => {
                self.ledger.tally.event("finals pushed");
                if let Some(found) = ObservedFinal::pushed(end) {
                    self.ledger.final_seen(&self.session_ref, frame.turn, &found);
                }
            }
            TurnEvent::Progress | TurnEvent::Status { .. } | TurnEvent::Passages(_) => {}
        }
    }

    fn text_shown(&self, tab: TabId, turn: u64, generation: u64, text: &str) {
        let mut state = lock(&self.state);
        let message = state.messages.get(&turn).cloned().unwrap_or_default();
        let shown = state.provisional.show(turn, generation, text);
        drop(state);
        if let Err(problem) = shown {
            self.violation("3", tab, &problem);
        }
        if generation > 1 && !text.is_empty() {
            self.ledger.tally.event("texts of later generations");
        }
        if !self.ledger.was_said(&self.session_ref, &message, text) {
            let what = format!(
                "turn {turn}.{generation} of {message:?} shows {text:?}, which no call ever said"
            );
            self.violation("3", tab, &what);
        }
    }

    fn final_shown(&self, tab: TabId, turn: &FinalTurn) {
        let mut state = lock(&self.state);
        let expected = state.cursor + 1;
        state.cursor = turn.number;
        drop(state);
        if turn.number != expected {
            self.violation(
                "3",
                tab,
                &format!("turn {} is shown where {expected} was next", turn.number),
            );
        }
        self.ledger.final_seen(&self.session_ref, turn.number, &ObservedFinal::shown(turn));
    }

    fn turns_skipped(&self, tab: TabId, cursor: u64) {
        self.violation(
            "3",
            tab,
            &format!("it passed over turns up to {cursor}, and none of them can be gone"),
        );
    }

    fn reset(&self, tab: TabId) {
        *lock(&self.state) = ShownState::default();
        if !self.ledger.with(&self.session_ref, |session| session.deletion_begun) {
            self.violation("1", tab, "it was told that the session is gone, and nobody deleted it");
        }
    }

    fn fetch_started(&self, _tab: TabId, _after: u64) {
        self.ledger.tally.event("finals fetched");
    }

    fn checksum_mismatch(&self, tab: TabId, turn: u64) {
        self.violation(
            "2",
            tab,
            &format!("the fetched text of turn {turn} does not have its frame's checksum"),
        );
    }
}
