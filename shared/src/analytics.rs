//! The events that `EventBridge` receives.

use serde_json::{Map, Value, json};

use crate::domain::{Rating, SessionId, SessionKey, Timestamp, TurnKind};
use crate::ports::EventEntry;
use crate::protocol::TurnRow;

/// The source of every event.
pub const SOURCE: &str = "learning-yogi.chatbot";
/// The version of the detail's fields.
pub const SCHEMA_VERSION: &str = "1";

/// Which texts an event may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// None: lengths only.
    Omitted,
    /// `user_message`, `response` and comments (`CHATBOT_ANALYTICS_TEXT=true`).
    Included,
}

/// Makes the event of a final: `Chat Message`, or `Chat Failed`. The same final always gives the
/// same event.
pub fn turn_event(
    session_key: &SessionKey,
    session_id: &SessionId,
    turn: &TurnRow,
    texts: Texts,
) -> EventEntry {
    let response = turn.text.as_deref().unwrap_or_default();
    let failed = turn.kind == Some(TurnKind::Error);
    let detail_type = if failed { "Chat Failed" } else { "Chat Message" };
    let usage = turn.usage.unwrap_or_default();
    let finished_at = turn.finished_at.unwrap_or(turn.created_at);
    let mut detail = subject(session_key, session_id, finished_at);
    extend(
        &mut detail,
        json!({
            "message_id": turn.message_id,
            "turn": turn.turn,
            "message_length": turn.message.code_points(),
            "response_length": response.chars().count(),
            "document_id": turn.document_id,
            "provider": turn.provider,
            "model": turn.model,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_input_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "cached": turn.cached,
            "cost_micro_usd": turn.cost_micro_usd,
            "queue_ms": turn.timings.queue_ms,
            "context_ms": turn.timings.context_ms,
            "first_token_ms": turn.timings.first_token_ms,
            "total_ms": turn.timings.total_ms,
            "finish_reason": turn.finish_reason,
            "error_code": turn.error.as_ref().map(|error| error.code),
            "generations": turn.epoch,
            "context": turn.context,
            "synthetic": turn.synthetic,
        }),
    );
    if texts == Texts::Included {
        extend(&mut detail, json!({ "user_message": turn.message, "response": response }));
    }
    entry(detail_type, &turn_event_id(session_key, turn), detail)
}

/// What a user said of a reply.
#[derive(Debug, Clone, Copy)]
pub struct FeedbackFacts<'a> {
    /// The turn.
    pub turn: &'a TurnRow,
    /// The verdict.
    pub rating: Rating,
    /// What the user wrote.
    pub comment: Option<&'a str>,
    /// When.
    pub given_at: Timestamp,
}

/// Makes the event `Chat Feedback`.
pub fn feedback_event(
    session_key: &SessionKey,
    session_id: &SessionId,
    facts: FeedbackFacts<'_>,
    texts: Texts,
) -> EventEntry {
    let FeedbackFacts { turn, rating, comment, given_at } = facts;
    let mut detail = subject(session_key, session_id, given_at);
    extend(
        &mut detail,
        json!({
            "message_id": turn.message_id,
            "turn": turn.turn,
            "rating": rating,
            "comment_length": comment.map_or(0, |comment| comment.chars().count()),
            "provider": turn.provider,
            "model": turn.model,
            "synthetic": turn.synthetic,
        }),
    );
    if texts == Texts::Included {
        extend(&mut detail, json!({ "comment": comment }));
    }
    entry(
        "Chat Feedback",
        &format!("{session_key}.{}.feedback.{}.{rating}", turn.turn, given_at.0),
        detail,
    )
}

/// Makes the event `Session Expired`.
pub fn session_expired(
    session_key: &SessionKey,
    session_id: &SessionId,
    born: Timestamp,
    at: Timestamp,
) -> EventEntry {
    entry(
        "Session Expired",
        &format!("{session_key}.{}.expired", born.0),
        subject(session_key, session_id, at),
    )
}

/// Makes the event `Session Deleted`.
pub fn session_deleted(
    session_key: &SessionKey,
    session_id: &SessionId,
    at: Timestamp,
) -> EventEntry {
    entry(
        "Session Deleted",
        &format!("{session_key}.{}.deleted", at.0),
        subject(session_key, session_id, at),
    )
}

/// Returns the id of the event of a turn, under which it is published however often.
///
/// A session that begins anew may have the same message in the same place: the time of the claim
/// tells the two apart.
fn turn_event_id(session_key: &SessionKey, turn: &TurnRow) -> String {
    let TurnRow { turn, message_id, created_at, .. } = turn;
    format!("{session_key}.{turn}.{message_id}.{}", created_at.0)
}

fn subject(session_key: &SessionKey, session_id: &SessionId, at: Timestamp) -> Map<String, Value> {
    let mut detail = Map::new();
    extend(
        &mut detail,
        json!({
            "session_id": session_id,
            "session_key": session_key,
            "timestamp": at.to_rfc3339(),
        }),
    );
    detail
}

fn entry(detail_type: &'static str, id: &str, mut detail: Map<String, Value>) -> EventEntry {
    let metadata = json!({ "id": id, "specversion": "1.0", "schema_version": SCHEMA_VERSION });
    detail.insert("metadata".to_owned(), metadata);
    EventEntry { id: id.to_owned(), detail_type, detail: Value::Object(detail) }
}

fn extend(detail: &mut Map<String, Value>, fields: Value) {
    if let Value::Object(fields) = fields {
        detail.extend(fields);
    }
}
