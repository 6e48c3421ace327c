//! What a user sees of one session: the client rule, and checks that every frame must pass.

use std::collections::BTreeMap;

use client::account::StoredTurn;
use client::rule::{Action, ClientRule, FinalTurn, Frame, Input, TurnEvent, TurnFrame, Variant};
use serde_json::Value;
use shared::domain::sha256_hex;
use tokio::time::Instant;

/// What a client holds of one session.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) finals: Vec<Final>,
    /// The `chat.error` frames so far.
    pub(crate) complaints: Vec<Value>,
    /// Whether the server said that the session no longer exists.
    pub(crate) gone: bool,
    rule: ClientRule,
    created_at: Instant,
    running: BTreeMap<u64, Running>,
    /// The hash of every final that was ever seen: no turn has two.
    hashes: BTreeMap<u64, String>,
}

/// What was seen of a turn that is not shown as final yet.
#[derive(Debug, Clone, Default)]
struct Running {
    message_id: String,
    generation: u64,
    text: String,
    /// How often its text grew.
    pieces: usize,
    /// What was shown of earlier generations.
    earlier: Vec<String>,
    statuses: Vec<String>,
    /// Whether a frame brought the final itself.
    is_framed: bool,
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
    /// The phases that `chat.status` reported.
    pub(crate) statuses: Vec<String>,
    /// Whether it was too large for a frame.
    pub(crate) fetched: bool,
}

impl Default for View {
    fn default() -> Self {
        Self {
            finals: Vec::new(),
            complaints: Vec::new(),
            gone: false,
            rule: ClientRule::new(Variant::default()),
            created_at: Instant::now(),
            running: BTreeMap::new(),
            hashes: BTreeMap::new(),
        }
    }
}

impl View {
    /// Notes that the socket opened; returns what the client has to do.
    pub(crate) fn opened(&mut self) -> Vec<Action> {
        self.apply(Input::Opened)
    }

    /// Notes that the socket closed.
    pub(crate) fn closed(&mut self) {
        self.apply(Input::Closed);
    }

    /// Notes that the answer to a message is awaited.
    pub(crate) fn awaits(&mut self, message_id: &str) {
        self.apply(Input::Sending(message_id));
    }

    pub(crate) fn has_resumed(&self) -> bool {
        self.rule.is_resumed()
    }

    /// Returns the final of a message, once it is shown.
    pub(crate) fn final_of(&self, message_id: &str) -> Option<&Final> {
        self.finals.iter().find(|shown| shown.message_id == message_id)
    }

    /// Returns the provisional text of a message.
    pub(crate) fn text_of(&self, message_id: &str) -> Option<String> {
        let running = self.running.values().find(|running| running.message_id == message_id)?;
        Some(running.text.clone())
    }

    /// Takes a frame, after checking what must be true of every frame.
    pub(crate) fn frame(&mut self, frame: &Value) -> Vec<Action> {
        let kind = frame["type"].as_str().unwrap();
        match (kind, frame["name"].as_str()) {
            ("CUSTOM", Some("chat.error")) => self.complain(&frame["value"]),
            ("CUSTOM", Some("chat.resumed")) => (),
            _ => {
                assert!(self.has_resumed(), "before the first chat.resumed: {frame}");
                self.check_turn(kind, frame);
            }
        }
        let raw = frame.to_string();
        let parsed = Frame::parse(&raw);
        if let Frame::Turn(turn) = &parsed
            && turn.turn > self.rule.cursor()
        {
            self.running.entry(turn.turn).or_default().note(turn, frame);
        }
        self.apply(Input::Frame(parsed))
    }

    /// Takes turns that were fetched.
    pub(crate) fn history(&mut self, turns: Vec<StoredTurn>) -> Vec<Action> {
        self.apply(Input::History(turns))
    }

    /// Returns what is due by now.
    pub(crate) fn due(&mut self) -> Vec<Action> {
        self.apply(Input::Tick)
    }

    /// Applies an input, shows what is to be shown, and returns what is left to be done.
    fn apply(&mut self, input: Input<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        self.rule.apply(input, self.created_at.elapsed(), &mut actions);
        actions.retain(|action| self.is_left(action));
        actions
    }

    fn is_left(&mut self, action: &Action) -> bool {
        match action {
            Action::Resume { .. } | Action::Fetch { .. } => return true,
            Action::Text { turn, .. } => {
                let text = self.rule.text(*turn).to_owned();
                let running = self.running.entry(*turn).or_default();
                running.pieces += usize::from(text.len() > running.text.len());
                running.text = text;
            }
            Action::Status { turn, phase } => {
                self.running.entry(*turn).or_default().statuses.push(phase.clone());
            }
            Action::Final(turn) => {
                let running = self.running.remove(&turn.number).unwrap_or_default();
                self.finals.push(running.into_final(turn));
            }
            Action::Reset => {
                self.running.clear();
                self.finals.clear();
                self.hashes.clear();
            }
            Action::Skipped { cursor } => self.running.retain(|turn, _| turn > cursor),
            Action::ChecksumMismatch { turn } => panic!("turn {turn} has a wrong checksum"),
        }
        false
    }

    fn complain(&mut self, value: &Value) {
        self.gone |= value["code"] == "not_found";
        self.complaints.push(value.clone());
    }

    /// Every frame of a turn says which one and which generation, and no turn has two finals.
    fn check_turn(&mut self, kind: &str, frame: &Value) {
        let metadata = &frame["metadata"];
        let turn = metadata["turn"].as_u64().unwrap_or_else(|| panic!("no turn: {frame}"));
        assert!(metadata["gen"].is_u64(), "no generation: {frame}");
        if !matches!(kind, "RUN_FINISHED" | "RUN_ERROR") {
            return;
        }
        let hash = text(&metadata["sha256"]).to_owned();
        let known = self.hashes.entry(turn).or_insert(hash.clone());
        assert_eq!(*known, hash, "a second final: {frame}");
        let result = &frame["result"]["text"];
        if kind == "RUN_ERROR" || !result.is_null() {
            assert_eq!(hash, sha256_hex(text(result)), "{frame}");
        }
    }
}

impl Running {
    /// Notes what the rule does not keep of a frame.
    fn note(&mut self, turn: &TurnFrame<'_>, frame: &Value) {
        if let TurnEvent::End(end) = &turn.event {
            self.is_framed |= end.text.is_some();
            self.message_id.clone_from(&end.message_id);
            return;
        }
        if self.is_framed {
            return;
        }
        if frame["type"] == "RUN_STARTED" {
            text(&frame["runId"]).clone_into(&mut self.message_id);
        }
        if turn.generation > self.generation {
            if self.generation > 0 {
                self.earlier.push(std::mem::take(&mut self.text));
            }
            self.generation = turn.generation;
        }
    }

    fn into_final(self, turn: &FinalTurn) -> Final {
        let mut provisional = self.earlier;
        provisional.push(self.text);
        Final {
            turn: turn.number,
            message_id: turn.message_id.clone(),
            kind: turn.kind.as_str().to_owned(),
            text: turn.text.clone(),
            finish_reason: turn.finish_reason.map_or("", |reason| reason.as_str()).to_owned(),
            provider: turn.details.provider.clone().unwrap_or_default(),
            error: turn.error.map_or("", |error| error.as_str()).to_owned(),
            pieces: self.pieces,
            provisional,
            statuses: self.statuses,
            fetched: !self.is_framed,
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
