//! What a client may send: `{"type":"resume","after":n}`, and nothing else.

use serde_json::Value;
use shared::ag_ui::{ChatError, custom_error};
use shared::domain::{ConnectionId, ErrorCode};

use super::SocketSession;
use crate::handler::Ingress;

impl Ingress {
    /// Follows one frame of a client.
    ///
    /// The host hands in the frames of one connection one after the other. Failures are answered by
    /// a `chat.error` where there is anything to say; the client asks again.
    #[tracing::instrument(name = "frame", skip_all, fields(session.id = %session.session_key))]
    pub async fn socket_frame(
        &self,
        connection: &ConnectionId,
        session: &SocketSession,
        text: &str,
    ) {
        match parse(text) {
            Ok(after) => self.resume(connection, session, after).await,
            Err(error) => {
                // The client is there or gone; a complaint that is lost changes nothing.
                let _ = self.ports.push.push(connection, &custom_error(&error)).await;
            }
        }
    }
}

/// Returns the cursor of a `resume`. Unknown fields are ignored.
fn parse(text: &str) -> Result<u64, ChatError> {
    let frame: Value = serde_json::from_str(text)
        .map_err(|_| malformed(None, "A frame must be a JSON object."))?;
    let Value::Object(fields) = frame else {
        return Err(malformed(None, "A frame must be a JSON object."));
    };
    if fields.get("type").and_then(Value::as_str) != Some("resume") {
        return Err(malformed(Some("type"), "type must be \"resume\"."));
    }
    let after = fields.get("after").and_then(Value::as_u64);
    after.ok_or_else(|| malformed(Some("after"), "after must be a whole number, and not negative."))
}

fn malformed(field: Option<&'static str>, message: &str) -> ChatError {
    ChatError { code: ErrorCode::MalformedFrame, message: message.to_owned(), field }
}
