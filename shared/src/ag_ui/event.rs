//! The events that we send.

use serde::Serialize;

use crate::domain::{
    Citation, Epoch, ErrorCode, FinishReason, Grounding, MessageId, MicroUsd, ProviderName,
    SessionId, TurnNumber,
};

/// One AG-UI event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Event<'a> {
    /// A turn is being answered.
    RunStarted {
        /// The session.
        thread_id: &'a SessionId,
        /// The user's message.
        run_id: &'a MessageId,
        /// The ordering facts.
        metadata: Metadata<'a>,
    },
    /// A generation begins.
    TextMessageStart {
        /// `<message_id>.<gen>`.
        message_id: String,
        /// Always `assistant`.
        role: &'static str,
        /// The ordering facts.
        metadata: Metadata<'a>,
    },
    /// A piece of provisional text.
    TextMessageContent {
        /// `<message_id>.<gen>`.
        message_id: String,
        /// The piece, not empty.
        delta: &'a str,
        /// The ordering facts.
        metadata: Metadata<'a>,
    },
    /// A generation's text is complete.
    TextMessageEnd {
        /// `<message_id>.<gen>`.
        message_id: String,
        /// The ordering facts.
        metadata: Metadata<'a>,
    },
    /// A turn is final: a reply, or cancelled.
    RunFinished {
        /// The session.
        thread_id: &'a SessionId,
        /// The user's message.
        run_id: &'a MessageId,
        /// The whole text; absent where it does not fit a frame, and then the turn is to be
        /// fetched.
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<FinalText<'a>>,
        /// What the turn's model calls used.
        usage: Vec<TokenUsage<'a>>,
        /// The ordering facts.
        metadata: Metadata<'a>,
    },
    /// A turn is final: failed.
    RunError {
        /// One sentence for the user.
        message: &'a str,
        /// The kind of failure.
        code: ErrorCode,
        /// The ordering facts.
        metadata: Metadata<'a>,
    },
    /// One of ours.
    Custom {
        /// Its name, such as `chat.status`.
        name: &'static str,
        /// Its content.
        value: serde_json::Value,
        /// The ordering facts, where it belongs to a turn.
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<Metadata<'a>>,
    },
}

/// A final's text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FinalText<'a> {
    /// `<message_id>.<gen>`.
    pub message_id: String,
    /// The whole text.
    pub text: &'a str,
    /// What it cites.
    #[serde(skip_serializing_if = "<[Citation]>::is_empty")]
    pub citations: &'a [Citation],
    /// What the reply stands on, where the documents were searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grounding: Option<Grounding>,
}

/// What a model used, in AG-UI's words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenUsage<'a> {
    /// Who answered.
    pub provider: ProviderName,
    /// Which model answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<&'a str>,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
}

/// The facts by which a client orders frames and drops repeats.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata<'a> {
    /// The turn.
    pub turn: TurnNumber,
    /// The generation; a higher one replaces a lower one.
    pub r#gen: Epoch,
    /// Where the piece begins in its generation, in UTF-16 code units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The user's message, where the event has no `runId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<&'a MessageId>,
    /// Why the reply ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// What it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<MicroUsd>,
    /// Set where the reply was kept from an earlier question, and no model was called.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// The hex SHA-256 of the text's UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<&'a str>,
    /// The checksum of the citations, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citations_sha256: Option<String>,
    /// The trace of the turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<&'a str>,
}

impl Metadata<'_> {
    /// Makes the facts of a generation.
    pub fn of(turn: TurnNumber, epoch: Epoch) -> Self {
        Self {
            turn,
            r#gen: epoch,
            offset: None,
            message_id: None,
            finish_reason: None,
            cost_micro_usd: None,
            cached: false,
            sha256: None,
            citations_sha256: None,
            trace_id: None,
        }
    }
}

impl Event<'_> {
    /// Writes the event as a frame.
    pub fn to_frame(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Returns the AG-UI id of a generation's text.
pub fn message_id(message: &MessageId, epoch: Epoch) -> String {
    format!("{message}.{epoch}")
}
