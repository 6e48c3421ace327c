//! Messages that operators send through the queue, and what became of them.

use serde::{Deserialize, Serialize};

use super::TurnView;
use crate::domain::{
    DocumentId, MessageId, MessageText, Principal, ProviderName, SessionId, SessionKey,
};
use crate::queue_messages::Replay;

/// `POST /admin/api/messages`: puts messages on the queue of requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubmitRequest {
    /// Who sends them: `op:<name>`, nobody else.
    pub principal: Principal,
    /// 1 to 100 messages; those of one session keep their order.
    pub messages: Vec<NewMessage>,
}

/// One message to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewMessage {
    /// The session, of the principal's own.
    pub session_id: SessionId,
    /// The idempotency key: the same message sent twice is answered once.
    pub message_id: MessageId,
    /// The text.
    pub message: MessageText,
    /// The document asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<DocumentId>,
    /// The provider asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderName>,
    /// What it is answered with in place of the session's own history and the deployment's
    /// settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Box<Replay>>,
}

/// The answer to a [`SubmitRequest`], in its order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubmitResponse {
    /// One for each message.
    pub messages: Vec<SubmitResult>,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitResult {
    /// Where to ask for its answer.
    #[serde(flatten)]
    pub pointer: MessageRef,
    /// Why it was not put on the queue; it was, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Names one message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageRef {
    /// The session.
    pub session_key: SessionKey,
    /// The message.
    pub message_id: MessageId,
}

/// `POST /admin/api/messages/lookup`: asks what became of messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookupRequest {
    /// 1 to 100 messages.
    pub messages: Vec<MessageRef>,
    /// How long to wait for one of them to be done, at most 20,000 ms; 0 answers at once.
    #[serde(default)]
    pub wait_ms: u64,
}

/// The answer to a [`LookupRequest`], in its order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookupResponse {
    /// One for each message.
    pub messages: Vec<MessageStatus>,
}

/// How far one message is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MessageStatus {
    /// Nothing is stored: still on the queue, refused by the worker, or expired.
    Unknown,
    /// Accepted, and not begun.
    Waiting,
    /// Being answered.
    Running,
    /// Final.
    Done {
        /// The turn, with its text.
        turn: Box<TurnView>,
    },
}
