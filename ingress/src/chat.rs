//! `POST /chat`: a message is recorded and queued, and only then answered 202.

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderValue, Request, StatusCode};
use serde_json::json;
use shared::domain::{DocumentId, MessageId, MessageText, Principal, ProviderName};
use shared::protocol::accept::{self, AcceptError, Submission, SubmissionLookup, SubmissionStatus};
use shared::queue_messages::RequestMessage;
use shared::store_retry::StoreRetry;
use shared::visible::is_blank;
use tracing::Span;

use crate::body::{JsonBody, parse};
use crate::error::ApiError;
use crate::handler::{Call, Ingress, session_key};
use crate::identity::Caller;
use crate::response::{self, HttpResult};
use crate::trace::trace_id;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

impl Ingress {
    /// Accepts a message.
    ///
    /// A repeated one gets the same answer, whatever the rates say, and is sent to the queue again:
    /// the call that recorded it may have died before its send.
    pub(crate) async fn chat(&self, call: &Call<'_>, caller: Caller) -> HttpResult {
        let submission = self.submission(call, &caller.principal)?;
        let key = session_key(&submission.principal, &submission.session_id);
        Span::current().record("message.id", submission.message_id.as_str());
        let store = &*self.ports.store;
        let bounds = self.config.accept_limits;
        let read = accept::look_up(store, &submission, bounds).await?;
        if read.status == SubmissionStatus::New {
            self.admit(&caller, call.client, call.now).await?;
            self.record(&submission, read).await?;
        }
        let trace = trace_id(call.request.headers(), &*self.ports.ids);
        self.ports.requests.send(RequestMessage::pointer(&submission, Some(trace))).await?;

        let websocket = self.websocket(call, &key, &caller.principal).await?;
        let Submission { session_id, message_id, .. } = submission;
        let location = format!("sessions/{session_id}/turns");
        let body =
            json!({ "session_id": session_id, "message_id": message_id, "websocket": websocket });
        let body = response::with(body, "session_token", caller.session_token);
        let mut response = response::json(StatusCode::ACCEPTED, &body);
        let location = HeaderValue::from_str(&location).map_err(ApiError::unavailable)?;
        response.headers_mut().insert(LOCATION, location);
        Ok(response)
    }

    /// Records a new message, patient with a store in which others write the session's row at the
    /// same time.
    async fn record(
        &self,
        submission: &Submission,
        read: SubmissionLookup,
    ) -> Result<(), ApiError> {
        let mut retry = StoreRetry::default();
        loop {
            match accept::record(
                &*self.ports.store,
                submission,
                read.clone(),
                self.config.accept_limits,
            )
            .await
            {
                Ok(_) => return Ok(()),
                Err(AcceptError::Store(error)) => {
                    retry.wait(error, self.ports.ids.fraction()).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn submission(&self, call: &Call<'_>, principal: &Principal) -> Result<Submission, ApiError> {
        let fields = JsonBody::read(call.request)?;
        let message: MessageText = parse("message", fields.required("message")?)?;
        if is_blank(message.as_str()) {
            return Err(ApiError::field("message", "must have a character that can be seen"));
        }
        let session_id = match fields.text("session_id")? {
            Some(id) => parse("session_id", id)?,
            None => self.new_session_id()?,
        };
        let message_id = match message_id(call.request, &fields)? {
            Some(id) => id,
            None => MessageId::parse(self.ports.ids.id()).map_err(ApiError::unavailable)?,
        };
        let principal = principal.clone();
        let document_id = document_id(&fields)?;
        let provider = self.provider(&fields)?;
        // A replay comes by the queue alone: whoever may call may not choose model and
        // instructions.
        let accepted_at = call.now;
        let replay = None;
        Ok(Submission {
            principal,
            session_id,
            message_id,
            message,
            document_id,
            provider,
            accepted_at,
            replay,
        })
    }

    fn provider(&self, fields: &JsonBody) -> Result<Option<ProviderName>, ApiError> {
        let Some(name) = fields.text("provider")? else { return Ok(None) };
        let provider =
            ProviderName::parse(name).ok_or_else(|| ApiError::field("provider", "is not known"))?;
        if self.config.providers.contains(&provider) {
            return Ok(Some(provider));
        }
        Err(ApiError::field("provider", "is not configured here"))
    }
}

/// Returns the message's id, which the body and the header may both give, if they agree.
fn message_id(request: &Request<Bytes>, fields: &JsonBody) -> Result<Option<MessageId>, ApiError> {
    let body = fields.text("message_id")?.map(|id| parse("message_id", id)).transpose()?;
    let Some(header) = request.headers().get(IDEMPOTENCY_KEY) else { return Ok(body) };
    let header =
        header.to_str().map_err(|_| ApiError::field("Idempotency-Key", "must be ASCII"))?;
    let header = parse("Idempotency-Key", header)?;
    match body {
        Some(body) if body != header => {
            Err(ApiError::field("message_id", "differs from the header Idempotency-Key"))
        }
        _ => Ok(Some(header)),
    }
}

fn document_id(fields: &JsonBody) -> Result<Option<DocumentId>, ApiError> {
    const PATH: &str = "context.document_id";
    let id = fields.text_in("context", "document_id", PATH)?;
    id.map(|id| parse(PATH, id)).transpose()
}
