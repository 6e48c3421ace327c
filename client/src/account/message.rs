//! What a user sends.

use serde_json::{Value, json};

/// One message, with everything that makes a repeat of it the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The idempotency key.
    pub message_id: String,
    /// The text.
    pub text: String,
    /// The session; the service chooses one where it is `None`.
    pub session_id: Option<String>,
    /// The document to answer from.
    pub document_id: Option<String>,
    /// Who is to answer.
    pub provider: Option<String>,
}

impl Message {
    /// Makes a message without document and provider.
    pub fn new(
        session_id: impl Into<String>,
        message_id: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self {
            message_id: message_id.into(),
            text: text.into(),
            session_id: Some(session_id.into()),
            document_id: None,
            provider: None,
        }
    }

    pub(super) fn to_body(&self) -> Value {
        let mut body = json!({ "message": self.text, "message_id": self.message_id });
        if let Some(id) = &self.session_id {
            body["session_id"] = json!(id);
        }
        if let Some(id) = &self.document_id {
            body["context"] = json!({ "document_id": id });
        }
        if let Some(provider) = &self.provider {
            body["provider"] = json!(provider);
        }
        body
    }
}
