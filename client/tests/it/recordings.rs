//! Frames as the service writes them.

use serde_json::{Value, json};
use shared::ag_ui::{
    ChatResumed, ChatStatus, Event, Metadata, StatusPhase, custom_resumed, message_id,
};
use shared::domain::{
    Citation, DocumentId, Epoch, ErrorCode, FinishReason, MessageId, NumberedPassage, SessionId,
    Timestamp, TurnNumber, citations_sha256, sha256_hex,
};

/// The text of a cited reply.
pub(super) const CITED_TEXT: &str = "At home [1]";

pub(super) fn resumed(first: u64, next: u64, born: i64) -> String {
    let first = TurnNumber::parse(first).unwrap();
    let next = TurnNumber::parse(next).unwrap();
    custom_resumed(&ChatResumed { first, next, born: Timestamp(born) })
}

pub(super) fn started(turn: u64, generation: u64) -> String {
    let thread_id = &session();
    let run_id = &message(turn);
    Event::RunStarted { thread_id, run_id, metadata: metadata(turn, generation) }.to_frame()
}

pub(super) fn opened(turn: u64, generation: u64) -> String {
    let message_id = message_id(&message(turn), Epoch(generation));
    Event::TextMessageStart { message_id, role: "assistant", metadata: metadata(turn, generation) }
        .to_frame()
}

pub(super) fn delta(turn: u64, generation: u64, offset: u64, delta: &str) -> String {
    let message_id = message_id(&message(turn), Epoch(generation));
    let metadata = Metadata { offset: Some(offset), ..metadata(turn, generation) };
    Event::TextMessageContent { message_id, delta, metadata }.to_frame()
}

pub(super) fn status(turn: u64, generation: u64) -> String {
    let status = ChatStatus { phase: StatusPhase::Retrying, provider: None };
    let value = serde_json::to_value(status).unwrap();
    let metadata = Some(metadata(turn, generation));
    Event::Custom { name: "chat.status", value, metadata }.to_frame()
}

/// What the marks of a generation mean.
pub(super) fn passages(turn: u64, generation: u64) -> String {
    let passage = NumberedPassage {
        number: 1,
        document_id: DocumentId::parse("handbook").unwrap(),
        title: "Student handbook".to_owned(),
        source_url: None,
        version: sha256_hex("content"),
        ordinal: 3,
        headings: vec!["Rules".to_owned(), "Phones".to_owned()],
    };
    let metadata = Some(metadata(turn, generation));
    let value = json!({ "passages": [passage] });
    Event::Custom { name: "chat.citations", value, metadata }.to_frame()
}

/// A reply that cites a passage, with the checksum of its citations.
pub(super) fn cited(turn: u64, generation: u64) -> String {
    let mut frame: Value = serde_json::from_str(&reply(turn, generation, CITED_TEXT)).unwrap();
    frame["result"]["citations"] = json!([citation()]);
    frame["metadata"]["citationsSha256"] = json!(citations_sha256(&[citation()]));
    frame.to_string()
}

/// The same reply as the history tells it.
pub(super) fn stored_cited(turn: u64) -> String {
    let mut stored: Value = serde_json::from_str(&stored(turn, Some(CITED_TEXT))).unwrap();
    stored["citations"] = json!([citation()]);
    stored.to_string()
}

fn citation() -> Citation {
    Citation {
        number: 1,
        offset: 8,
        document_id: DocumentId::parse("handbook").unwrap(),
        title: "Student handbook".to_owned(),
        source_url: None,
        version: sha256_hex("content"),
        ordinal: 3,
        start: 120,
        end: 139,
        quote: "Phones stay at home".to_owned(),
    }
}

pub(super) fn ended(turn: u64, generation: u64) -> String {
    let message_id = message_id(&message(turn), Epoch(generation));
    Event::TextMessageEnd { message_id, metadata: metadata(turn, generation) }.to_frame()
}

pub(super) fn reply(turn: u64, generation: u64, text: &str) -> String {
    finished(turn, generation, text, FinishReason::Stop, true)
}

pub(super) fn cancelled(turn: u64, generation: u64, text: &str) -> String {
    finished(turn, generation, text, FinishReason::Cancelled, true)
}

/// A reply that was too large for its frame.
pub(super) fn withheld(turn: u64, generation: u64, text: &str) -> String {
    finished(turn, generation, text, FinishReason::Stop, false)
}

pub(super) fn failed(turn: u64, generation: u64) -> String {
    let sha256 = sha256_hex("");
    let metadata = Metadata {
        message_id: Some(&message(turn)),
        finish_reason: Some(FinishReason::Error),
        sha256: Some(&sha256),
        ..metadata(turn, generation)
    };
    Event::RunError { message: "It failed.", code: ErrorCode::ProvidersUnavailable, metadata }
        .to_frame()
}

/// A turn as the history tells it; without a text it still runs.
pub(super) fn stored(turn: u64, text: Option<&str>) -> String {
    let id = message(turn);
    match text {
        Some(text) => format!(
            r#"{{"turn":{turn},"message_id":"{id}","message":"?","state":"done","kind":"reply","text":{},"finish_reason":"stop"}}"#,
            serde_json::to_string(text).unwrap(),
        ),
        None => format!(r#"{{"turn":{turn},"message_id":"{id}","message":"?","state":"running"}}"#),
    }
}

/// A failed turn as the history tells it.
pub(super) fn stored_failure(turn: u64) -> String {
    let id = message(turn);
    let error = r#"{"code":"providers_unavailable","message":"It failed."}"#;
    format!(
        r#"{{"turn":{turn},"message_id":"{id}","message":"?","state":"done","kind":"error","error":{error},"finish_reason":"error"}}"#
    )
}

/// The history's answer with these turns.
pub(super) fn history(turns: &[String]) -> String {
    format!(r#"{{"turns":[{}],"running":false}}"#, turns.join(","))
}

pub(super) fn message(turn: u64) -> MessageId {
    MessageId::parse(format!("m{turn}")).unwrap()
}

fn finished(
    turn: u64,
    generation: u64,
    text: &str,
    reason: FinishReason,
    with_text: bool,
) -> String {
    let thread_id = &session();
    let run_id = &message(turn);
    let sha256 = sha256_hex(text);
    let id = message_id(run_id, Epoch(generation));
    let metadata = Metadata {
        finish_reason: Some(reason),
        sha256: Some(&sha256),
        ..metadata(turn, generation)
    };
    let mut frame = serde_json::to_value(Event::RunFinished {
        thread_id,
        run_id,
        result: None,
        usage: Vec::new(),
        metadata,
    })
    .unwrap();
    if with_text {
        frame["result"] = serde_json::json!({ "messageId": id, "text": text });
    }
    frame.to_string()
}

fn session() -> SessionId {
    SessionId::parse("s").unwrap()
}

fn metadata(turn: u64, generation: u64) -> Metadata<'static> {
    Metadata::of(TurnNumber::parse(turn).unwrap(), Epoch(generation))
}
