//! What the notifier receives.

use serde::{Deserialize, Serialize};

use super::BodyError;
use super::request::hash;
use crate::domain::{Rating, SessionId, SessionKey, Timestamp, TurnNumber};
use crate::ports::{Durability, OutgoingMessage};

/// A message on the queue of replies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ReplyMessage {
    /// A turn is final: a pointer to it.
    #[serde(rename = "final")]
    Final(FinalPointer),
    /// A user's verdict on a reply.
    #[serde(rename = "feedback")]
    Feedback(Feedback),
    /// A session was deleted.
    #[serde(rename = "deleted")]
    Deleted(DeletedNotice),
}

/// Points to a final.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinalPointer {
    /// The session.
    pub session_key: SessionKey,
    /// The turn.
    pub turn: TurnNumber,
}

/// A user's verdict on a reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// The session.
    pub session_key: SessionKey,
    /// The turn.
    pub turn: TurnNumber,
    /// The verdict.
    pub rating: Rating,
    /// What the user wrote with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When it was given.
    pub given_at: Timestamp,
}

/// Tells that a session was deleted, when nothing of it is left to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeletedNotice {
    /// The session.
    pub session_key: SessionKey,
    /// The client's id of it.
    pub session_id: SessionId,
    /// When it was deleted.
    pub deleted_at: Timestamp,
}

impl ReplyMessage {
    /// Reads a body.
    pub fn parse(body: &str) -> Result<Self, BodyError> {
        super::parse(body)
    }

    /// Writes the body.
    pub fn to_body(&self) -> String {
        super::write(self)
    }

    /// Returns the session that the message belongs to.
    pub fn session_key(&self) -> &SessionKey {
        match self {
            Self::Final(FinalPointer { session_key, .. })
            | Self::Feedback(Feedback { session_key, .. })
            | Self::Deleted(DeletedNotice { session_key, .. }) => session_key,
        }
    }

    /// Makes the message ready to be sent.
    ///
    /// Finals have the session's group; the rest has one of its own, so that its retries never hold
    /// up a reply.
    /// A final may be acknowledged before it is durable: the turn is, and whatever is lost is sent
    /// again.
    pub fn outgoing(&self) -> OutgoingMessage {
        let body = self.to_body();
        let key = self.session_key().as_str();
        let (group, deduplication_id, durability) = match self {
            Self::Final(pointer) => (
                key.to_owned(),
                hash(&["final", key, &pointer.turn.to_string()]),
                Durability::Ordered,
            ),
            Self::Feedback(_) | Self::Deleted(_) => {
                (format!("{key}.f"), hash(&["other", &body]), Durability::Synced)
            }
        };
        OutgoingMessage { group, deduplication_id, body, durability }
    }
}
