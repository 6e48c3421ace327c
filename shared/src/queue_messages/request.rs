//! What the worker receives.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::BodyError;
use crate::domain::{
    DocumentId, MessageId, MessageText, Principal, ProviderName, Replay, SessionId, SessionKey,
    Timestamp,
};
use crate::ports::{Durability, OutgoingMessage};
use crate::protocol::accept::Submission;

/// A message on the queue of requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum RequestMessage {
    /// A message that ingress recorded: a pointer to it.
    #[serde(rename = "message")]
    Message(MessagePointer),
    /// A message from a producer that writes to the queue itself.
    #[serde(rename = "submit")]
    Submit(Submit),
}

/// Points to a recorded message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessagePointer {
    /// The session.
    pub session_key: SessionKey,
    /// The message.
    pub message_id: MessageId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The trace that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// A whole message, to be accepted by the worker by ingress's rules.
///
/// The right to send to the queue is the trust boundary: the principal is believed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submit {
    /// Who speaks.
    pub principal: Principal,
    /// In which session.
    pub session_id: SessionId,
    /// The message's idempotency key.
    pub message_id: MessageId,
    /// When its producer accepted it.
    pub accepted_at: Timestamp,
    /// The text.
    pub message: MessageText,
    /// The document asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<DocumentId>,
    /// The provider asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderName>,
    /// The trace that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What it is answered with in place of its session's history and the deployment's settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Box<Replay>>,
}

impl Submit {
    /// Makes the message to be sent: in its session's group, and sent twice it is one.
    pub fn outgoing(self) -> OutgoingMessage {
        let submission = self.submission();
        let group = submission.session_key().to_string();
        let deduplication_id =
            hash(&["submit", &group, self.message_id.as_str(), &submission.body_hash()]);
        let body = RequestMessage::Submit(self).to_body();
        OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced }
    }

    /// Returns what is to be accepted.
    pub fn submission(&self) -> Submission {
        Submission {
            principal: self.principal.clone(),
            session_id: self.session_id.clone(),
            message_id: self.message_id.clone(),
            message: self.message.clone(),
            document_id: self.document_id.clone(),
            provider: self.provider,
            accepted_at: self.accepted_at,
            replay: self.replay.clone(),
        }
    }
}

impl RequestMessage {
    /// Reads a body.
    pub fn parse(body: &str) -> Result<Self, BodyError> {
        super::parse(body)
    }

    /// Writes the body.
    pub fn to_body(&self) -> String {
        super::write(self)
    }

    /// Makes the pointer to an accepted message, ready to be sent.
    pub fn pointer(submission: &Submission, trace: Option<String>) -> OutgoingMessage {
        let session_key = submission.session_key();
        let deduplication_id =
            hash(&[session_key.as_str(), submission.message_id.as_str(), &submission.body_hash()]);
        let group = session_key.to_string();
        let message_id = submission.message_id.clone();
        let pointer =
            MessagePointer { session_key, message_id, accepted_at: submission.accepted_at, trace };
        let body = Self::Message(pointer).to_body();
        OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced }
    }
}

/// Hashes parts that none of which holds a line feed.
pub(super) fn hash(parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(parts.join("\n")))
}
