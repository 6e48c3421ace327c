//! The client rule, and nothing else: what a user sees of one session.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use shared::protocol::commit::sha256;
use tokio::time::Instant;

const UNANSWERED: Duration = Duration::from_secs(5);
const GAP: Duration = Duration::from_secs(2);
const SILENCE: Duration = Duration::from_secs(10);
const FULL_BATCH: usize = 20;
const BATCH_PAUSE: Duration = Duration::from_millis(200);

/// What a client holds of one session.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) finals: Vec<Final>,
    /// The `chat.error` frames so far.
    pub(crate) complaints: Vec<Value>,
    /// Whether the server said that the session is not there any more.
    pub(crate) gone: bool,
    cursor: u64,
    next: u64,
    born: Value,
    turns: BTreeMap<u64, Held>,
    awaited: BTreeSet<String>,
    link: Option<Link>,
    /// The hash of every final that was ever seen: no turn has two.
    hashes: BTreeMap<u64, String>,
}

/// A turn that is not shown as final yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    message_id: String,
    pub(crate) generation: u64,
    text: Vec<u16>,
    /// How often its text grew.
    pub(crate) pieces: usize,
    /// What was shown of earlier generations.
    earlier: Vec<String>,
    statuses: Vec<String>,
    withheld: bool,
    last: Option<Final>,
}

/// A turn that is shown as final.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Final {
    pub(crate) turn: u64,
    pub(crate) message_id: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) finish_reason: String,
    pub(crate) provider: String,
    /// The error's code.
    pub(crate) error: String,
    /// How often the provisional text grew.
    pub(crate) pieces: usize,
    /// What was shown before, of each generation in order.
    pub(crate) provisional: Vec<String>,
    /// The phases that `chat.status` told.
    pub(crate) statuses: Vec<String>,
    /// Whether it was too large for a frame.
    pub(crate) fetched: bool,
}

#[derive(Debug)]
struct Link {
    resumed: bool,
    asked: Option<Instant>,
    heard: Instant,
    gap: bool,
    urgent: bool,
    finals: usize,
    cursor_at_open: u64,
}

/// What the view asks its client to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    Resume(u64),
    Fetch(u64),
}

impl View {
    pub(crate) fn opened(&mut self, now: Instant) {
        let cursor_at_open = self.cursor;
        self.link = Some(Link {
            resumed: false,
            asked: None,
            heard: now,
            gap: false,
            urgent: false,
            finals: 0,
            cursor_at_open,
        });
    }

    pub(crate) fn closed(&mut self) {
        self.link = None;
    }

    /// Notes that the answer to a message is awaited.
    pub(crate) fn awaits(&mut self, message_id: &str) {
        self.awaited.insert(message_id.to_owned());
    }

    pub(crate) fn has_resumed(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.resumed)
    }

    /// Returns the final of a message, once it is shown.
    pub(crate) fn final_of(&self, message_id: &str) -> Option<&Final> {
        self.finals.iter().find(|shown| shown.message_id == message_id)
    }

    /// Returns the provisional text of a message.
    pub(crate) fn text_of(&self, message_id: &str) -> Option<String> {
        let held = self.turns.values().find(|held| held.message_id == message_id)?;
        Some(held.shown())
    }

    /// Takes a frame, and holds it to what every frame must keep.
    pub(crate) fn frame(&mut self, frame: &Value, now: Instant) -> Vec<Action> {
        let link = self.link.as_mut().expect("a frame without a connection");
        link.heard = now;
        match (frame["type"].as_str().unwrap(), frame["name"].as_str()) {
            ("CUSTOM", Some("chat.resumed")) => self.resumed(&frame["value"]),
            ("CUSTOM", Some("chat.error")) => self.complain(&frame["value"]),
            (kind, _) => {
                assert!(link.resumed, "before the first chat.resumed: {frame}");
                self.turn_frame(kind, frame);
            }
        }
        self.due(now)
    }

    /// Takes turns that were fetched.
    pub(crate) fn history(&mut self, turns: &[Value]) {
        for stored in turns.iter().filter(|stored| stored["state"] == "done") {
            let turn = stored["turn"].as_u64().unwrap();
            if turn <= self.cursor {
                continue;
            }
            let held = self.turns.entry(turn).or_default();
            text(&stored["message_id"]).clone_into(&mut held.message_id);
            let last = Final {
                kind: text(&stored["kind"]).to_owned(),
                text: text(&stored["text"]).to_owned(),
                finish_reason: text(&stored["finish_reason"]).to_owned(),
                provider: text(&stored["provider"]).to_owned(),
                error: text(&stored["error"]["code"]).to_owned(),
                fetched: true,
                ..Final::default()
            };
            held.freeze(turn, last);
        }
        self.settle();
    }

    /// Returns what is due by now.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Action> {
        let fetches =
            self.turns.iter_mut().filter(|(_, held)| held.withheld && held.last.is_none());
        let mut actions: Vec<_> = fetches
            .map(|(turn, held)| {
                held.withheld = false;
                Action::Fetch(turn - 1)
            })
            .collect();
        let unfinished =
            !self.awaited.is_empty() || !self.turns.is_empty() || self.cursor + 1 < self.next;
        let more = self.cursor + 1 < self.next;
        let Some(link) = self.link.as_mut() else { return actions };
        if link.is_due(now, unfinished, more) {
            link.asked = Some(now);
            (link.gap, link.urgent, link.finals) = (false, false, 0);
            actions.push(Action::Resume(self.cursor));
        }
        actions
    }

    fn resumed(&mut self, value: &Value) {
        let [first, next] = ["first", "next"].map(|field| value[field].as_u64().unwrap());
        let link = self.link.as_mut().unwrap();
        link.resumed = true;
        link.finals = 0;
        let anew =
            (!self.born.is_null() && self.born != value["born"]) || link.cursor_at_open >= next;
        if anew {
            (link.cursor_at_open, link.urgent) = (0, true);
            self.cursor = 0;
            self.turns.clear();
            self.finals.clear();
            self.hashes.clear();
        }
        self.born = value["born"].clone();
        self.next = next.max(if anew { 1 } else { self.next });
        if self.cursor + 1 < first {
            self.cursor = first - 1;
            self.turns.retain(|turn, _| *turn >= first);
        }
        self.settle();
    }

    fn complain(&mut self, value: &Value) {
        self.gone |= value["code"] == "not_found";
        self.complaints.push(value.clone());
    }

    fn turn_frame(&mut self, kind: &str, frame: &Value) {
        let metadata = &frame["metadata"];
        let turn = metadata["turn"].as_u64().unwrap_or_else(|| panic!("no turn: {frame}"));
        let generation =
            metadata["gen"].as_u64().unwrap_or_else(|| panic!("no generation: {frame}"));
        if matches!(kind, "RUN_FINISHED" | "RUN_ERROR") {
            let hash = text(&metadata["sha256"]).to_owned();
            assert_eq!(
                *self.hashes.entry(turn).or_insert(hash.clone()),
                hash,
                "a second final: {frame}"
            );
        }
        if turn <= self.cursor {
            return;
        }
        let held = self.turns.entry(turn).or_default();
        let gap = match kind {
            _ if held.last.is_some() => false,
            "RUN_FINISHED" | "RUN_ERROR" => {
                held.end(turn, frame);
                false
            }
            _ => held.advance(kind, generation, frame),
        };
        let missing = (self.cursor + 1..turn)
            .any(|n| self.turns.get(&n).is_none_or(|held| held.last.is_none()));
        self.link.as_mut().unwrap().gap |= gap || missing;
        self.settle();
    }

    /// Shows every final that now stands in line.
    fn settle(&mut self) {
        while let Some(last) = self.turns.get(&(self.cursor + 1)).and_then(|held| held.last.clone())
        {
            self.cursor += 1;
            self.turns.remove(&self.cursor);
            self.awaited.remove(&last.message_id);
            if let Some(link) = &mut self.link {
                link.finals += 1;
            }
            self.finals.push(last);
        }
    }
}

impl Held {
    pub(crate) fn shown(&self) -> String {
        String::from_utf16(&self.text).unwrap()
    }

    /// Applies a frame of a running turn; returns whether text before it is missing.
    fn advance(&mut self, kind: &str, generation: u64, frame: &Value) -> bool {
        if generation < self.generation {
            return false;
        }
        if generation > self.generation {
            if self.generation > 0 {
                self.earlier.push(self.shown());
            }
            self.generation = generation;
            self.text.clear();
        }
        match kind {
            "RUN_STARTED" => text(&frame["runId"]).clone_into(&mut self.message_id),
            "TEXT_MESSAGE_CONTENT" => return self.append(frame),
            "CUSTOM" => self.statuses.push(text(&frame["value"]["phase"]).to_owned()),
            _ => (),
        }
        false
    }

    fn append(&mut self, frame: &Value) -> bool {
        let offset = usize::try_from(frame["metadata"]["offset"].as_u64().unwrap()).unwrap();
        let Some(known) = self.text.len().checked_sub(offset) else { return true };
        let before = self.text.len();
        self.text.extend(text(&frame["delta"]).encode_utf16().skip(known));
        self.pieces += usize::from(self.text.len() > before);
        false
    }

    fn end(&mut self, turn: u64, frame: &Value) {
        let metadata = &frame["metadata"];
        let id = frame["runId"].as_str().or(metadata["messageId"].as_str());
        id.expect("a final names its message").clone_into(&mut self.message_id);
        let cancelled = metadata["finishReason"] == "cancelled";
        let result = &frame["result"]["text"];
        let kind = match frame["type"].as_str() {
            Some("RUN_ERROR") => "error",
            _ if result.is_null() => {
                self.withheld = true;
                return;
            }
            _ if cancelled => "cancelled",
            _ => "reply",
        };
        assert_eq!(text(&metadata["sha256"]), sha256(text(result)), "{frame}");
        let last = Final {
            kind: kind.to_owned(),
            text: text(result).to_owned(),
            finish_reason: text(&metadata["finishReason"]).to_owned(),
            provider: text(&frame["usage"][0]["provider"]).to_owned(),
            error: text(&frame["code"]).to_owned(),
            ..Final::default()
        };
        self.freeze(turn, last);
    }

    fn freeze(&mut self, turn: u64, last: Final) {
        let mut provisional = std::mem::take(&mut self.earlier);
        provisional.push(self.shown());
        let message_id = self.message_id.clone();
        let statuses = self.statuses.clone();
        let pieces = self.pieces;
        self.last = Some(Final { turn, message_id, pieces, provisional, statuses, ..last });
    }
}

impl Link {
    fn is_due(&self, now: Instant, unfinished: bool, more: bool) -> bool {
        let Some(asked) = self.asked else { return true };
        let since = now.duration_since(asked);
        let quiet = now.duration_since(self.heard);
        self.urgent
            || (!self.resumed && since >= UNANSWERED)
            || (self.gap && since >= GAP)
            || (self.resumed
                && self.finals > 0
                && more
                && (self.finals >= FULL_BATCH || quiet >= BATCH_PAUSE))
            || (unfinished && quiet.min(since) >= SILENCE)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
