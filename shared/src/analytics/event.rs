//! The events as types: what is published, and what readers of events read.
//!
//! Closed sets of values (`provider`, `finish_reason`, `rating`, …) are texts, and fields that are
//! not known are ignored: a newer program may know more, and its events must stay readable.
//!
//! A field that is nullable and required is read by `Option::deserialize`: serde would otherwise
//! take it for optional.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::SCHEMA_VERSION;

/// One event, by its detail type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnalyticsEvent {
    /// `Chat Message`: a turn ended as a reply, or was cancelled.
    ChatMessage(TurnDetail),
    /// `Chat Failed`: a turn ended as an error.
    ChatFailed(TurnDetail),
    /// `Chat Feedback`: a user rated a reply.
    ChatFeedback(FeedbackDetail),
    /// `Session Expired`: a session reached its end.
    SessionExpired(SessionDetail),
    /// `Session Deleted`: a session was deleted.
    SessionDeleted(SessionDetail),
}

/// What every detail says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The id by which consumers drop repeats: always the same for the same fact.
    pub id: String,
    /// The version of the metadata's form.
    pub specversion: String,
    /// The version of the detail's fields.
    pub schema_version: String,
}

/// The detail of `Chat Message` and `Chat Failed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnDetail {
    /// The session, as the client knows it.
    pub session_id: String,
    /// The session, unique among all users.
    pub session_key: String,
    /// When the turn ended, in RFC 3339.
    pub timestamp: String,
    /// The event itself.
    pub metadata: Metadata,
    /// The message.
    pub message_id: String,
    /// Its place in the session, from 1.
    pub turn: u64,
    /// Code points of the message.
    pub message_length: u64,
    /// Code points of the reply.
    pub response_length: u64,
    /// The document that was asked about.
    #[serde(deserialize_with = "Option::deserialize")]
    pub document_id: Option<String>,
    /// The provider that answered.
    #[serde(deserialize_with = "Option::deserialize")]
    pub provider: Option<String>,
    /// The model that answered.
    #[serde(deserialize_with = "Option::deserialize")]
    pub model: Option<String>,
    /// All input tokens.
    pub input_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// The input tokens that were read from the provider's cache.
    #[serde(default)]
    pub cached_input_tokens: u64,
    /// The input tokens that were written to the provider's cache.
    #[serde(default)]
    pub cache_write_tokens: u64,
    /// Whether the reply came from the reply cache, and no model was called.
    #[serde(default)]
    pub cached: bool,
    /// Millionths of a US dollar; none where the price is not known, or no model was called.
    #[serde(deserialize_with = "Option::deserialize")]
    pub cost_micro_usd: Option<i64>,
    /// From acceptance to the claim.
    pub queue_ms: u64,
    /// Reading history and document.
    pub context_ms: u64,
    /// From acceptance to the first token; none where there was none.
    #[serde(deserialize_with = "Option::deserialize")]
    pub first_token_ms: Option<u64>,
    /// From acceptance to the commit.
    pub total_ms: u64,
    /// Why the turn ended: `stop`, `cancelled`, `error`, ….
    pub finish_reason: String,
    /// Why it failed; none for a `Chat Message`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub error_code: Option<String>,
    /// How often the reply was started.
    pub generations: u64,
    /// Whether the document was used: `used`, `none` or `unavailable`.
    pub context: String,
    /// What the reply stands on: `cited` or `none`; absent where the documents were not searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounding: Option<String>,
    /// How many places of the reply cite a passage.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub citations: u64,
    /// The documents that it cites, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cited_document_ids: Vec<String>,
    /// Whether an operator sent the message.
    pub synthetic: bool,
    /// The message, where the deployment includes texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_message: Option<String>,
    /// The reply, where the deployment includes texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

/// The detail of `Chat Feedback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackDetail {
    /// The session, as the client knows it.
    pub session_id: String,
    /// The session, unique among all users.
    pub session_key: String,
    /// When the rating was given, in RFC 3339.
    pub timestamp: String,
    /// The event itself.
    pub metadata: Metadata,
    /// The message whose reply was rated.
    pub message_id: String,
    /// Its place in the session, from 1.
    pub turn: u64,
    /// `up` or `down`.
    pub rating: String,
    /// Code points of the comment.
    pub comment_length: u64,
    /// The provider that answered.
    #[serde(deserialize_with = "Option::deserialize")]
    pub provider: Option<String>,
    /// The model that answered.
    #[serde(deserialize_with = "Option::deserialize")]
    pub model: Option<String>,
    /// Whether an operator sent the message.
    pub synthetic: bool,
    /// Where the deployment includes texts: the comment, if there is one.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub comment: Option<Option<String>>,
}

/// The detail of `Session Expired` and `Session Deleted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDetail {
    /// The session, as the client knew it.
    pub session_id: String,
    /// The session, unique among all users.
    pub session_key: String,
    /// When it ended, in RFC 3339.
    pub timestamp: String,
    /// The event itself.
    pub metadata: Metadata,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's own form")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Tells a field that is `null` from one that is not there.
#[expect(clippy::option_option, reason = "absent, null and a text are three cases")]
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(field).map(Some)
}

impl Metadata {
    /// Returns the metadata of an event that is written now.
    pub(super) fn new(id: String) -> Self {
        Self { id, specversion: "1.0".to_owned(), schema_version: SCHEMA_VERSION.to_owned() }
    }
}

impl AnalyticsEvent {
    /// Reads an event from its detail's text; none for a detail type that is not known here.
    pub fn parse(detail_type: &str, detail: &str) -> serde_json::Result<Option<Self>> {
        Self::read(detail_type, &mut serde_json::Deserializer::from_str(detail))
    }

    /// Reads an event from its detail; none for a detail type that is not known here.
    pub fn from_detail(detail_type: &str, detail: &Value) -> serde_json::Result<Option<Self>> {
        Self::read(detail_type, detail)
    }

    fn read<'de, D: Deserializer<'de>>(
        detail_type: &str,
        detail: D,
    ) -> Result<Option<Self>, D::Error> {
        Ok(Some(match detail_type {
            "Chat Message" => Self::ChatMessage(TurnDetail::deserialize(detail)?),
            "Chat Failed" => Self::ChatFailed(TurnDetail::deserialize(detail)?),
            "Chat Feedback" => Self::ChatFeedback(FeedbackDetail::deserialize(detail)?),
            "Session Expired" => Self::SessionExpired(SessionDetail::deserialize(detail)?),
            "Session Deleted" => Self::SessionDeleted(SessionDetail::deserialize(detail)?),
            _ => return Ok(None),
        }))
    }

    /// Returns the detail type.
    pub const fn detail_type(&self) -> &'static str {
        match self {
            Self::ChatMessage(_) => "Chat Message",
            Self::ChatFailed(_) => "Chat Failed",
            Self::ChatFeedback(_) => "Chat Feedback",
            Self::SessionExpired(_) => "Session Expired",
            Self::SessionDeleted(_) => "Session Deleted",
        }
    }

    /// Returns the detail of a turn, if the event is about one that ended.
    pub const fn turn(&self) -> Option<&TurnDetail> {
        match self {
            Self::ChatMessage(turn) | Self::ChatFailed(turn) => Some(turn),
            _ => None,
        }
    }

    /// Returns the session's key.
    pub fn session_key(&self) -> &str {
        match self {
            Self::ChatMessage(turn) | Self::ChatFailed(turn) => &turn.session_key,
            Self::ChatFeedback(feedback) => &feedback.session_key,
            Self::SessionExpired(session) | Self::SessionDeleted(session) => &session.session_key,
        }
    }

    /// Returns the provider that answered.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::ChatMessage(turn) | Self::ChatFailed(turn) => turn.provider.as_deref(),
            Self::ChatFeedback(feedback) => feedback.provider.as_deref(),
            Self::SessionExpired(_) | Self::SessionDeleted(_) => None,
        }
    }

    /// Returns the model that answered.
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::ChatMessage(turn) | Self::ChatFailed(turn) => turn.model.as_deref(),
            Self::ChatFeedback(feedback) => feedback.model.as_deref(),
            Self::SessionExpired(_) | Self::SessionDeleted(_) => None,
        }
    }

    /// Tells whether an operator sent the message.
    pub const fn is_synthetic(&self) -> bool {
        match self {
            Self::ChatMessage(turn) | Self::ChatFailed(turn) => turn.synthetic,
            Self::ChatFeedback(feedback) => feedback.synthetic,
            Self::SessionExpired(_) | Self::SessionDeleted(_) => false,
        }
    }

    /// Returns the id by which consumers drop repeats.
    pub fn id(&self) -> &str {
        let metadata = match self {
            Self::ChatMessage(turn) | Self::ChatFailed(turn) => &turn.metadata,
            Self::ChatFeedback(feedback) => &feedback.metadata,
            Self::SessionExpired(session) | Self::SessionDeleted(session) => &session.metadata,
        };
        &metadata.id
    }

    /// Returns when what the event tells of happened, in RFC 3339.
    pub fn timestamp(&self) -> &str {
        match self {
            Self::ChatMessage(turn) | Self::ChatFailed(turn) => &turn.timestamp,
            Self::ChatFeedback(feedback) => &feedback.timestamp,
            Self::SessionExpired(session) | Self::SessionDeleted(session) => &session.timestamp,
        }
    }

    /// Returns the detail as JSON.
    pub fn detail(&self) -> Value {
        let detail = match self {
            Self::ChatMessage(turn) | Self::ChatFailed(turn) => serde_json::to_value(turn),
            Self::ChatFeedback(feedback) => serde_json::to_value(feedback),
            Self::SessionExpired(session) | Self::SessionDeleted(session) => {
                serde_json::to_value(session)
            }
        };
        // Plain fields always serialise.
        detail.unwrap_or_default()
    }
}
