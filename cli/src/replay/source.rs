//! Files of past messages: ids, exports, answers of a batch, events that carry texts.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::domain::{
    DocumentId, FinishReason, MessageText, MicroUsd, ProviderName, SessionKey, TurnKind, Usage,
};
use shared::operator::TurnView;
use shared::protocol::{Timings, TurnError};

use crate::exit::usage;

/// What a message was answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordedAnswer {
    #[serde(default)]
    pub(super) kind: Option<TurnKind>,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) error: Option<TurnError>,
    #[serde(default)]
    pub(super) finish_reason: Option<FinishReason>,
    #[serde(default)]
    pub(super) provider: Option<ProviderName>,
    #[serde(default)]
    pub(super) model: Option<String>,
    #[serde(default)]
    pub(super) usage: Option<Usage>,
    #[serde(default)]
    pub(super) cost_micro_usd: Option<MicroUsd>,
    #[serde(default)]
    pub(super) timings: Timings,
}

impl RecordedAnswer {
    /// Takes it from a turn.
    pub(super) fn of(turn: &TurnView) -> Self {
        Self {
            kind: turn.kind,
            text: turn.text.clone(),
            error: turn.error.clone(),
            finish_reason: turn.finish_reason,
            provider: turn.provider,
            model: turn.model.clone(),
            usage: turn.usage,
            cost_micro_usd: turn.cost_micro_usd,
            timings: turn.timings,
        }
    }
}

/// One line of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SourceRecord {
    /// It names a message.
    Id { session_key: SessionKey, message_id: String },
    /// It holds one, with its answer.
    RecordLine(Box<RecordedTurn>),
}

/// A message with its answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecordedTurn {
    pub(super) session_key: String,
    pub(super) message_id: String,
    pub(super) turn: u64,
    pub(super) message: MessageText,
    pub(super) document_id: Option<DocumentId>,
    pub(super) old: RecordedAnswer,
}

/// A line of an export, of a batch's answers, or of an event, as far as it is needed.
#[derive(Debug, Deserialize)]
struct RecordLine {
    #[serde(default)]
    session_key: Option<String>,
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    turn: u64,
    #[serde(default)]
    message: Option<MessageText>,
    #[serde(default)]
    document_id: Option<DocumentId>,
    #[serde(flatten)]
    old: RecordedAnswer,
}

/// Reads a file; the messages of a session are in the order of their turns.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<SourceRecord>> {
    let file = File::open(path).map_err(|error| usage(format!("{}: {error}", path.display())))?;
    let mut records = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let place = format!("{} line {number}", path.display());
        let line = line.map_err(|error| usage(format!("{place}: {error}")))?;
        let line = line.trim_start_matches('\u{FEFF}').trim();
        if !line.is_empty() {
            records.extend(record(line).map_err(|problem| usage(format!("{place}: {problem}")))?);
        }
    }
    records.sort_by_key(|record| match record {
        SourceRecord::RecordLine(answered) => answered.turn,
        SourceRecord::Id { .. } => 0,
    });
    Ok(records)
}

fn record(line: &str) -> Result<Option<SourceRecord>, String> {
    if !line.starts_with('{') {
        let (key, id) =
            line.split_once(char::is_whitespace).ok_or("write SESSION-KEY MESSAGE-ID")?;
        return id_of(key, id.trim()).map(Some);
    }
    let value: Value =
        serde_json::from_str(line).map_err(|error| format!("is not JSON: {error}"))?;
    match (value.get("detail"), value["detail_type"].as_str().or(value["detail-type"].as_str())) {
        (Some(detail), Some("Chat Message" | "Chat Failed")) => event(detail.clone()).map(Some),
        // Feedback and ended sessions are no messages.
        (Some(_), _) => Ok(None),
        _ if value["type"] == "dead_letters" => Ok(None),
        _ => whole(value).map(Some),
    }
}

/// Reads an event as the turn that it tells of.
fn event(mut detail: Value) -> Result<SourceRecord, String> {
    let fields = detail.as_object_mut().ok_or("the event has no detail")?;
    for (from, to) in [("user_message", "message"), ("response", "text")] {
        let value = fields.remove(from).unwrap_or_default();
        fields.insert(to.to_owned(), value);
    }
    let kind =
        match (fields.get("error_code").is_some_and(Value::is_string), fields.get("finish_reason"))
        {
            (true, _) => "error",
            (_, Some(reason)) if reason == "cancelled" => "cancelled",
            _ => "reply",
        };
    fields.insert("kind".to_owned(), kind.into());
    let numbers = |names: &[&str], fields: &Map<String, Value>| -> Value {
        let known =
            names.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone())));
        known.filter(|(_, value)| value.is_number()).collect::<Map<_, _>>().into()
    };
    let usage = numbers(&["input_tokens", "output_tokens"], fields);
    let timings = numbers(&["queue_ms", "context_ms", "first_token_ms", "total_ms"], fields);
    fields.insert("usage".to_owned(), usage);
    fields.insert("timings".to_owned(), timings);
    whole(detail)
}

fn whole(value: Value) -> Result<SourceRecord, String> {
    let whole: RecordLine = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let session_key = whole.session_key.ok_or("the field session_key is missing")?;
    let message_id = whole.message_id.ok_or("the field message_id is missing")?;
    match whole.message {
        // Without its text it is as good as its id.
        None => id_of(&session_key, &message_id),
        Some(message) => Ok(SourceRecord::RecordLine(Box::new(RecordedTurn {
            session_key,
            message_id,
            turn: whole.turn,
            message,
            document_id: whole.document_id,
            old: whole.old,
        }))),
    }
}

fn id_of(key: &str, id: &str) -> Result<SourceRecord, String> {
    let session_key = SessionKey::parse(key).map_err(|error| format!("the session key {error}"))?;
    Ok(SourceRecord::Id { session_key, message_id: id.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_line_is_an_id_a_turn_or_an_event() {
        let id = record(&format!("{KEY} m1")).unwrap().unwrap();
        assert_eq!(
            id,
            SourceRecord::Id {
                session_key: SessionKey::parse(KEY).unwrap(),
                message_id: "m1".to_owned()
            }
        );
        let line = format!(
            r#"{{"session_key":"{KEY}","message_id":"m1","turn":2,"message":"hi","kind":"reply","text":"yo"}}"#
        );
        let Some(SourceRecord::RecordLine(found)) = record(&line).unwrap() else { panic!() };
        assert_eq!((found.turn, found.old.text.as_deref()), (2, Some("yo")));
        let detail = format!(
            r#"{{"session_key":"{KEY}","message_id":"m1","turn":1,"user_message":"hi","response":"yo","total_ms":7,
                "queue_ms":1,"context_ms":0,"first_token_ms":null,"input_tokens":3,"output_tokens":4,"error_code":null}}"#
        );
        let line = format!(
            r#"{{"seq":1,"id":"x","detail_type":"Chat Message","detail":{detail},"published_at":1}}"#
        );
        let Some(SourceRecord::RecordLine(found)) = record(&line.replace('\n', "")).unwrap() else {
            panic!()
        };
        let old = found.old;
        assert_eq!((old.text.as_deref(), old.timings.total_ms), (Some("yo"), 7));
        assert_eq!(old.usage.unwrap().output_tokens, 4);
    }

    #[test]
    fn an_event_without_texts_is_an_id() {
        let detail = format!(
            r#"{{"session_key":"{KEY}","message_id":"m1","turn":1,"total_ms":7,"queue_ms":1,"context_ms":0}}"#
        );
        let line = format!(r#"{{"detail_type":"Chat Message","detail":{detail}}}"#);
        assert!(matches!(record(&line).unwrap(), Some(SourceRecord::Id { .. })));
        assert_eq!(record(r#"{"detail_type":"Chat Feedback","detail":{}}"#).unwrap(), None);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        for (line, words) in [
            ("abc", "SESSION-KEY"),
            ("abc m1", "43 characters"),
            ("{", "not JSON"),
            ("{}", "session_key"),
        ] {
            let error = record(line).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
