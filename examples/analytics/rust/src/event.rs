//! The events, as `contracts/events` describes version 1 of them.
//!
//! Closed sets of values (`provider`, `finish_reason`, `rating`, …) are read as text: a newer
//! chatbot may know more.
//! A field that is nullable and required is read by `Option::deserialize`, without which serde
//! takes it for optional.

use serde::Deserialize;

use crate::moment::Moment;

/// The source of every event.
pub const SOURCE: &str = "learning-yogi.chatbot";
/// The version of the details that these types read.
pub const SCHEMA_VERSION: &str = "1";

/// One event, by its detail type.
#[derive(Debug, Clone)]
pub enum Event {
    /// `Chat Message`: a turn ended as a reply, or cancelled.
    Message(Turn),
    /// `Chat Failed`: a turn ended as an error.
    Failed(Turn),
    /// `Chat Feedback`: a user rated a reply.
    Feedback(Feedback),
    /// `Session Expired`: a session came to its end.
    Expired(Session),
    /// `Session Deleted`: a session was deleted by its owner.
    Deleted(Session),
}

impl Event {
    /// Returns the id to drop repeats by: always the same for the same fact.
    pub fn id(&self) -> &str {
        let metadata = match self {
            Self::Message(turn) | Self::Failed(turn) => &turn.metadata,
            Self::Feedback(feedback) => &feedback.metadata,
            Self::Expired(session) | Self::Deleted(session) => &session.metadata,
        };
        &metadata.id
    }
}

/// What every detail says of itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    /// The id that consumers drop repeats by.
    pub id: String,
    /// The version of the metadata's form.
    pub specversion: String,
    /// The version of the detail's fields.
    pub schema_version: String,
}

/// The detail of `Chat Message` and `Chat Failed`.
#[derive(Debug, Clone, Deserialize)]
pub struct Turn {
    /// The session, as the client knows it.
    pub session_id: String,
    /// The session, unique among all users.
    pub session_key: String,
    /// When the turn ended.
    pub timestamp: Moment,
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
    /// Who answered.
    #[serde(deserialize_with = "Option::deserialize")]
    pub provider: Option<String>,
    /// With which model.
    #[serde(deserialize_with = "Option::deserialize")]
    pub model: Option<String>,
    /// All input tokens.
    pub input_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// Of the input tokens, those that the provider had kept.
    #[serde(default)]
    pub cached_input_tokens: u64,
    /// Of the input tokens, those that the provider keeps for the next call.
    #[serde(default)]
    pub cache_write_tokens: u64,
    /// Whether the reply was kept from an earlier question.
    #[serde(default)]
    pub cached: bool,
    /// Millionths of a US dollar; none where the price is not known, or no model was called.
    #[serde(deserialize_with = "Option::deserialize")]
    pub cost_micro_usd: Option<i64>,
    /// From acceptance to the claim.
    pub queue_ms: u64,
    /// Gathering history and document.
    pub context_ms: u64,
    /// From acceptance to the first piece; none where there was no piece.
    #[serde(deserialize_with = "Option::deserialize")]
    pub first_token_ms: Option<u64>,
    /// From acceptance to the end.
    pub total_ms: u64,
    /// Why the turn ended: `stop`, `cancelled`, `error`, ….
    pub finish_reason: String,
    /// Why it failed; none for a `Chat Message`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub error_code: Option<String>,
    /// How often the reply was begun.
    pub generations: u64,
    /// Whether the document was used: `used`, `none` or `unavailable`.
    pub context: String,
    /// Whether an operator sent the message.
    pub synthetic: bool,
    /// The message, where the operator chose to have texts.
    #[serde(default)]
    pub user_message: Option<String>,
    /// The reply, where the operator chose to have texts.
    #[serde(default)]
    pub response: Option<String>,
}

/// The detail of `Chat Feedback`.
#[derive(Debug, Clone, Deserialize)]
pub struct Feedback {
    /// The session, as the client knows it.
    pub session_id: String,
    /// The session, unique among all users.
    pub session_key: String,
    /// When the verdict was given.
    pub timestamp: Moment,
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
    /// Who had answered.
    #[serde(deserialize_with = "Option::deserialize")]
    pub provider: Option<String>,
    /// With which model.
    #[serde(deserialize_with = "Option::deserialize")]
    pub model: Option<String>,
    /// Whether an operator had sent the message.
    pub synthetic: bool,
    /// The comment, where the operator chose to have texts.
    #[serde(default)]
    pub comment: Option<String>,
}

/// The detail of `Session Expired` and `Session Deleted`.
#[derive(Debug, Clone, Deserialize)]
pub struct Session {
    /// The session, as the client knew it.
    pub session_id: String,
    /// The session, unique among all users.
    pub session_key: String,
    /// When it ended.
    pub timestamp: Moment,
    /// The event itself.
    pub metadata: Metadata,
}
