//! What can still be told of a body that is no request.

use serde::Deserialize;
use serde_json::Value;

use super::VERSION;
use crate::domain::{MessageId, MessageText, Principal, SessionId, SessionKey, TextError};

/// What is left of a malformed request of the known version and a known type.
///
/// Bodies of another version, or of another type, are not ours to read: a newer program may want
/// them whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartialRequest {
    /// A pointer whose ids can be read: the message may be recorded, and somebody waits for its
    /// answer.
    Pointer {
        /// The session.
        session_key: SessionKey,
        /// The message.
        message_id: MessageId,
    },
    /// A producer's whole message, recorded nowhere, whose text no later try makes acceptable.
    Submit {
        /// The session.
        session_key: SessionKey,
        /// The message.
        message_id: MessageId,
        /// What is wrong with the text.
        problem: TextError,
    },
}

/// A pointer of which version and type may be damaged too: then they are no other version and no
/// other type.
#[derive(Deserialize)]
struct Pointer {
    #[serde(default)]
    v: Value,
    #[serde(default)]
    r#type: Value,
    session_key: SessionKey,
    message_id: MessageId,
}

#[derive(Deserialize)]
struct Submit {
    v: u32,
    r#type: String,
    principal: Principal,
    session_id: SessionId,
    message_id: MessageId,
    message: String,
}

impl PartialRequest {
    /// Reads what is left of a body that [`super::RequestMessage::parse`] refused; `None` if it is
    /// not enough.
    pub fn of_request(body: &str) -> Option<Self> {
        pointer(body).or_else(|| submit(body))
    }
}

fn pointer(body: &str) -> Option<PartialRequest> {
    let Pointer { v, r#type, session_key, message_id } = serde_json::from_str(body).ok()?;
    let another_version = v.is_number() && v != VERSION;
    let another_type = r#type.as_str().is_some_and(|name| name != "message");
    (!another_version && !another_type)
        .then_some(PartialRequest::Pointer { session_key, message_id })
}

fn submit(body: &str) -> Option<PartialRequest> {
    let Submit { v, r#type, principal, session_id, message_id, message } =
        serde_json::from_str(body).ok()?;
    let problem = MessageText::parse(message).err()?;
    let session_key = SessionKey::derive(&principal, &session_id);
    (v == VERSION && r#type == "submit").then_some(PartialRequest::Submit {
        session_key,
        message_id,
        problem,
    })
}
