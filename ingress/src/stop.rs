//! `POST /sessions/{id}/stop`: an answer is to end with the text that it has.

use http::StatusCode;
use serde_json::json;
use shared::domain::{MessageId, Principal};
use shared::protocol;
use tracing::Span;

use crate::body::{JsonBody, parse};
use crate::handler::{Call, Ingress};
use crate::response::{self, HttpResult};

impl Ingress {
    /// Asks for a message's turn to end; an unknown message and a final are answered the same.
    pub(crate) async fn stop(
        &self,
        call: &Call<'_>,
        principal: &Principal,
        id: &str,
    ) -> HttpResult {
        let (key, _) = self.own_session(principal, id).await?;
        let fields = JsonBody::read(call.request)?;
        let message: MessageId = parse("message_id", fields.required("message_id")?)?;
        Span::current().record("message.id", message.as_str());
        protocol::stop::stop(&*self.ports.store, &key, &message).await?;
        Ok(response::json(StatusCode::ACCEPTED, &json!({ "message_id": message })))
    }
}
