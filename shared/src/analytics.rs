//! The events that `EventBridge` receives.

mod event;

use crate::domain::{
    Citation, ContextUse, DocumentId, FinishReason, Rating, SessionId, SessionKey, Timestamp,
    TurnKind,
};
use crate::ports::EventEntry;
use crate::protocol::TurnRow;

pub use event::{AnalyticsEvent, FeedbackDetail, Metadata, SessionDetail, TurnDetail};

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
    let usage = turn.usage.unwrap_or_default();
    let finished_at = turn.finished_at.unwrap_or(turn.created_at);
    let has_texts = texts == Texts::Included;
    let detail = TurnDetail {
        session_id: session_id.to_string(),
        session_key: session_key.to_string(),
        timestamp: finished_at.to_rfc3339(),
        metadata: Metadata::new(turn_event_id(session_key, turn)),
        message_id: turn.message_id.to_string(),
        turn: turn.turn.get(),
        message_length: count(turn.message.code_points()),
        response_length: count(response.chars().count()),
        document_id: turn.document_id.as_ref().map(DocumentId::to_string),
        provider: turn.provider.map(|provider| provider.as_str().to_owned()),
        model: turn.model.clone(),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cached_input_tokens: usage.cached_input_tokens,
        cache_write_tokens: usage.cache_write_tokens,
        cached: turn.cached,
        cost_micro_usd: turn.cost_micro_usd.map(|cost| cost.0),
        queue_ms: turn.timings.queue_ms,
        context_ms: turn.timings.context_ms,
        first_token_ms: turn.timings.first_token_ms,
        total_ms: turn.timings.total_ms,
        // Every final has both.
        finish_reason: turn.finish_reason.map_or("", FinishReason::as_str).to_owned(),
        error_code: turn.error.as_ref().map(|error| error.code.as_str().to_owned()),
        generations: turn.epoch.0,
        context: turn.context.map_or("", ContextUse::as_str).to_owned(),
        grounding: turn.grounding.map(|grounding| grounding.as_str().to_owned()),
        citations: count(turn.citations.len()),
        cited_document_ids: cited_documents(&turn.citations),
        synthetic: turn.synthetic,
        user_message: has_texts.then(|| turn.message.as_str().to_owned()),
        response: has_texts.then(|| response.to_owned()),
    };
    let failed = turn.kind == Some(TurnKind::Error);
    entry(&if failed {
        AnalyticsEvent::ChatFailed(detail)
    } else {
        AnalyticsEvent::ChatMessage(detail)
    })
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
    let id = format!("{session_key}.{}.feedback.{}.{rating}", turn.turn, given_at.0);
    entry(&AnalyticsEvent::ChatFeedback(FeedbackDetail {
        session_id: session_id.to_string(),
        session_key: session_key.to_string(),
        timestamp: given_at.to_rfc3339(),
        metadata: Metadata::new(id),
        message_id: turn.message_id.to_string(),
        turn: turn.turn.get(),
        rating: rating.as_str().to_owned(),
        comment_length: comment.map_or(0, |comment| count(comment.chars().count())),
        provider: turn.provider.map(|provider| provider.as_str().to_owned()),
        model: turn.model.clone(),
        synthetic: turn.synthetic,
        comment: (texts == Texts::Included).then(|| comment.map(str::to_owned)),
    }))
}

/// Makes the event `Session Expired`.
pub fn session_expired(
    session_key: &SessionKey,
    session_id: &SessionId,
    born: Timestamp,
    at: Timestamp,
) -> EventEntry {
    let id = format!("{session_key}.{}.expired", born.0);
    entry(&AnalyticsEvent::SessionExpired(ended(session_key, session_id, at, id)))
}

/// Makes the event `Session Deleted`.
pub fn session_deleted(
    session_key: &SessionKey,
    session_id: &SessionId,
    at: Timestamp,
) -> EventEntry {
    let id = format!("{session_key}.{}.deleted", at.0);
    entry(&AnalyticsEvent::SessionDeleted(ended(session_key, session_id, at, id)))
}

/// Returns the id of the event of a turn, under which it is published however often.
///
/// A session that begins anew may have the same message in the same place: the time of the claim
/// tells the two apart.
fn turn_event_id(session_key: &SessionKey, turn: &TurnRow) -> String {
    let TurnRow { turn, message_id, created_at, .. } = turn;
    format!("{session_key}.{turn}.{message_id}.{}", created_at.0)
}

/// Returns the ids of the documents, each once, in the order in which they are cited first.
fn cited_documents(citations: &[Citation]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for citation in citations {
        if ids.iter().all(|id| id != citation.document_id.as_str()) {
            ids.push(citation.document_id.to_string());
        }
    }
    ids
}

fn ended(
    session_key: &SessionKey,
    session_id: &SessionId,
    at: Timestamp,
    id: String,
) -> SessionDetail {
    SessionDetail {
        session_id: session_id.to_string(),
        session_key: session_key.to_string(),
        timestamp: at.to_rfc3339(),
        metadata: Metadata::new(id),
    }
}

fn entry(event: &AnalyticsEvent) -> EventEntry {
    EventEntry {
        id: event.id().to_owned(),
        detail_type: event.detail_type(),
        detail: event.detail(),
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
