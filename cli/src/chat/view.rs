//! The client rule, as far as a terminal needs it: what is shown of each turn, and when to ask
//! again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

const UNANSWERED: Duration = Duration::from_secs(5);
const GAP: Duration = Duration::from_secs(2);
const SILENCE: Duration = Duration::from_secs(10);

/// What the terminal shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Show {
    /// More of the text.
    Text(String),
    /// The text so far is not the answer: a new one begins.
    Again,
    /// What is going on.
    Phase(String),
    /// A turn is done.
    Final(Final),
}

/// A turn that is done.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Final {
    pub(super) message_id: String,
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) error: Option<String>,
    pub(super) finish_reason: String,
    pub(super) model: String,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cost_micro_usd: Option<i64>,
}

/// What one client holds of a session.
#[derive(Debug)]
pub(super) struct View {
    pub(super) cursor: u64,
    next: u64,
    born: Value,
    turns: BTreeMap<u64, Held>,
    resumed: bool,
    asked: Instant,
    heard: Instant,
    gap: bool,
}

#[derive(Debug, Default)]
struct Held {
    generation: u64,
    text: Vec<u16>,
    shown: usize,
    last: Option<Final>,
    /// The final is too large for a frame.
    fetch: bool,
}

impl View {
    /// Begins behind the turns that are known.
    pub(super) fn new(cursor: u64) -> Self {
        let now = Instant::now();
        Self {
            cursor,
            next: cursor + 1,
            born: Value::Null,
            turns: BTreeMap::new(),
            resumed: false,
            asked: now,
            heard: now,
            gap: false,
        }
    }

    /// Notes that a socket is open, on which it was asked to resume.
    pub(super) fn opened(&mut self) {
        self.resumed = false;
        self.asked();
    }

    /// Notes that it was asked to resume.
    pub(super) fn asked(&mut self) {
        self.asked = Instant::now();
        self.gap = false;
    }

    /// Tells whether the open socket's session is known.
    pub(super) fn has_resumed(&self) -> bool {
        self.resumed
    }

    /// Tells whether it is time to ask to resume.
    pub(super) fn is_due(&self, awaiting: bool) -> bool {
        let asked = self.asked.elapsed();
        let heard = self.heard.elapsed();
        (!self.resumed && asked >= UNANSWERED)
            || (self.gap && asked >= GAP)
            || (self.resumed && self.cursor + 1 < self.next && asked >= GAP)
            || (awaiting && asked.min(heard) >= SILENCE)
    }

    /// Returns the turn whose final must be fetched.
    pub(super) fn to_fetch(&self) -> Option<u64> {
        let held = self.turns.get(&(self.cursor + 1))?;
        (held.fetch && held.last.is_none()).then_some(self.cursor + 1)
    }

    /// Takes a frame.
    pub(super) fn frame(&mut self, frame: &Value) -> Vec<Show> {
        self.heard = Instant::now();
        let kind = frame["type"].as_str().unwrap_or_default();
        if kind == "CUSTOM" && frame["name"] == "chat.resumed" {
            self.resumed(&frame["value"]);
            return self.show();
        }
        let Some(turn) = frame["metadata"]["turn"].as_u64().filter(|turn| *turn > self.cursor)
        else {
            return Vec::new();
        };
        let held = self.turns.entry(turn).or_default();
        let mut shown = Vec::new();
        match kind {
            "RUN_FINISHED" | "RUN_ERROR" => held.end(kind, frame),
            _ => self.gap |= held.advance(kind, frame, &mut shown),
        }
        self.gap |= turn > self.cursor + 1
            && self.turns.get(&(self.cursor + 1)).is_none_or(|held| held.last.is_none());
        if turn != self.cursor + 1 {
            shown.clear();
        }
        shown.extend(self.show());
        shown
    }

    /// Takes turns that were fetched.
    pub(super) fn fetched(&mut self, turns: &[Value]) -> Vec<Show> {
        self.heard = Instant::now();
        for turn in turns.iter().filter(|turn| turn["state"] == "done") {
            let Some(number) = turn["turn"].as_u64().filter(|number| *number > self.cursor) else {
                continue;
            };
            let held = self.turns.entry(number).or_default();
            let text = |field: &str| turn[field].as_str().unwrap_or_default().to_owned();
            held.last = Some(Final {
                message_id: text("message_id"),
                kind: text("kind"),
                text: text("text"),
                error: turn["error"]["message"].as_str().map(str::to_owned),
                finish_reason: text("finish_reason"),
                model: turn["model"]
                    .as_str()
                    .or(turn["provider"].as_str())
                    .unwrap_or_default()
                    .to_owned(),
                input_tokens: turn["usage"]["input_tokens"].as_u64().unwrap_or(0),
                output_tokens: turn["usage"]["output_tokens"].as_u64().unwrap_or(0),
                cost_micro_usd: turn["cost_micro_usd"].as_i64(),
            });
        }
        self.show()
    }

    fn resumed(&mut self, value: &Value) {
        let number = |field: &str| value[field].as_u64().unwrap_or(1);
        let anew =
            (!self.born.is_null() && self.born != value["born"]) || self.cursor >= number("next");
        if anew {
            self.cursor = 0;
            self.turns.clear();
        }
        self.born = value["born"].clone();
        self.next = number("next");
        self.resumed = true;
        if self.cursor + 1 < number("first") {
            self.cursor = number("first") - 1;
            self.turns.retain(|turn, _| *turn >= number("first"));
        }
    }

    /// Shows what is new of the turn in line, and of those after it that are done.
    fn show(&mut self) -> Vec<Show> {
        let mut shown = Vec::new();
        while let Some(held) = self.turns.get_mut(&(self.cursor + 1)) {
            let Some(last) = held.last.take() else {
                held.more(&mut shown);
                break;
            };
            let text: Vec<u16> = last.text.encode_utf16().collect();
            let whole = text.starts_with(&held.text[..held.shown]);
            if !whole {
                shown.push(Show::Again);
                held.shown = 0;
            }
            held.text = text;
            held.more(&mut shown);
            shown.push(Show::Final(last));
            self.cursor += 1;
            self.turns.remove(&self.cursor);
        }
        shown
    }
}

impl Held {
    /// Applies a frame of a running turn; tells whether text before it is missing.
    fn advance(&mut self, kind: &str, frame: &Value, shown: &mut Vec<Show>) -> bool {
        let metadata = &frame["metadata"];
        let generation = metadata["gen"].as_u64().unwrap_or(1);
        if self.last.is_some() || generation < self.generation {
            return false;
        }
        if generation > self.generation {
            if self.shown > 0 {
                shown.push(Show::Again);
            }
            self.generation = generation;
            self.text.clear();
            self.shown = 0;
        }
        match kind {
            "TEXT_MESSAGE_CONTENT" => {
                let offset =
                    usize::try_from(metadata["offset"].as_u64().unwrap_or(0)).unwrap_or(usize::MAX);
                let Some(known) = self.text.len().checked_sub(offset) else { return true };
                self.text
                    .extend(frame["delta"].as_str().unwrap_or_default().encode_utf16().skip(known));
            }
            "CUSTOM" => shown.extend(
                frame["value"]["phase"].as_str().map(|phase| Show::Phase(phase.to_owned())),
            ),
            _ => (),
        }
        false
    }

    fn more(&mut self, shown: &mut Vec<Show>) {
        let mut end = self.text.len();
        // Half a character waits for its other half.
        if self.last.is_none() && end > self.shown && (0xD800..0xDC00).contains(&self.text[end - 1])
        {
            end -= 1;
        }
        if end > self.shown {
            shown.push(Show::Text(String::from_utf16_lossy(&self.text[self.shown..end])));
            self.shown = end;
        }
    }

    fn end(&mut self, kind: &str, frame: &Value) {
        if self.last.is_some() {
            return;
        }
        let metadata = &frame["metadata"];
        let usage = &frame["usage"][0];
        let text = &frame["result"]["text"];
        if kind == "RUN_FINISHED" && text.is_null() {
            self.fetch = true;
            return;
        }
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.last = Some(Final {
            message_id: word(if kind == "RUN_ERROR" {
                &metadata["messageId"]
            } else {
                &frame["runId"]
            }),
            kind: if kind == "RUN_ERROR" {
                "error".to_owned()
            } else if metadata["finishReason"] == "cancelled" {
                "cancelled".to_owned()
            } else {
                "reply".to_owned()
            },
            text: word(text),
            error: (kind == "RUN_ERROR").then(|| word(&frame["message"])),
            finish_reason: word(&metadata["finishReason"]),
            model: word(if usage["model"].is_string() {
                &usage["model"]
            } else {
                &usage["provider"]
            }),
            input_tokens: usage["inputTokens"].as_u64().unwrap_or(0),
            output_tokens: usage["outputTokens"].as_u64().unwrap_or(0),
            cost_micro_usd: metadata["costMicroUsd"].as_i64(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn piece(generation: u64, offset: u64, text: &str) -> Value {
        json!({
            "type": "TEXT_MESSAGE_CONTENT", "delta": text,
            "metadata": { "turn": 1, "gen": generation, "offset": offset }
        })
    }

    fn finished(text: &str) -> Value {
        json!({
            "type": "RUN_FINISHED", "runId": "m", "result": { "text": text }, "usage": [],
            "metadata": { "turn": 1, "gen": 2, "finishReason": "stop", "costMicroUsd": 7 },
        })
    }

    fn texts(shown: &[Show]) -> String {
        let one = |show: &Show| match show {
            Show::Text(text) => text.clone(),
            Show::Again => "|".to_owned(),
            Show::Phase(phase) => format!("({phase})"),
            Show::Final(last) => format!("[{}]", last.text),
        };
        shown.iter().map(one).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn lost_repeated_and_restarted_text_heals() {
        let mut view = View::new(0);
        assert_eq!(texts(&view.frame(&piece(1, 0, "abc"))), "abc");
        assert_eq!(texts(&view.frame(&piece(1, 1, "bcd"))), "d");
        assert_eq!(texts(&view.frame(&piece(1, 9, "x"))), "");
        assert!(!view.is_due(true));
        tokio::time::advance(GAP).await;
        assert!(view.is_due(true));
        assert_eq!(texts(&view.frame(&piece(2, 0, "new"))), "|new");
        assert_eq!(texts(&view.frame(&piece(1, 3, "old"))), "");
        assert_eq!(texts(&view.frame(&finished("new text"))), " text[new text]");
        assert_eq!(texts(&view.frame(&finished("new text"))), "");
        assert_eq!(view.cursor, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_final_that_is_too_large_is_fetched() {
        let mut view = View::new(0);
        let mut frame = finished("");
        frame["result"] = Value::Null;
        assert!(view.frame(&frame).is_empty());
        assert_eq!(view.to_fetch(), Some(1));
        let turn = json!({
            "turn": 1, "message_id": "m", "state": "done", "kind": "reply", "text": "long"
        });
        assert_eq!(texts(&view.fetched(&[turn])), "long[long]");
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_begins_anew_is_followed() {
        let mut view = View::new(5);
        let resumed = json!({
            "type": "CUSTOM", "name": "chat.resumed", "value": { "first": 1, "next": 1, "born": 2 }
        });
        view.frame(&resumed);
        assert_eq!(view.cursor, 0);
    }
}
