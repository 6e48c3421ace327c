//! `POST /sessions/{id}/stop`: an answer is to end with the text that it has.

use http::StatusCode;
use serde_json::json;
use shared::domain::{MessageId, Principal};
use shared::protocol;
use tracing::Span;

use crate::answer::{self, Answer};
use crate::body::{Fields, parse};
use crate::handler::{Call, Ingress};

impl Ingress {
    /// Asks for a message's turn to end; an unknown message and a final are answered the same.
    pub(crate) async fn stop(&self, call: &Call<'_>, principal: &Principal, id: &str) -> Answer {
        let (key, _) = self.own_session(principal, id).await?;
        let fields = Fields::read(call.request)?;
        let message: MessageId = parse("message_id", fields.required("message_id")?)?;
        Span::current().record("message.id", message.as_str());
        protocol::stop::stop(&*self.ports.store, &key, &message).await?;
        Ok(answer::json(StatusCode::ACCEPTED, &json!({ "message_id": message })))
    }
}
