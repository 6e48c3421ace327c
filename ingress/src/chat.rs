//! `POST /chat`: a message is recorded and queued, and only then answered 202.

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderValue, Request, StatusCode};
use serde_json::json;
use shared::domain::{DocumentId, MessageId, Principal, ProviderName};
use shared::patience::Patience;
use shared::protocol::accept::{self, AcceptError, LookUp, Standing, Submission};
use shared::queue_messages::RequestMessage;
use tracing::Span;

use crate::answer::{self, Answer};
use crate::body::{Fields, parse};
use crate::error::Failure;
use crate::handler::{Call, Ingress, session_key};
use crate::identity::Speaker;
use crate::trace::trace_id;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

impl Ingress {
    /// Accepts a message.
    ///
    /// A repeated one gets the same answer, whatever the rates say, and is sent to the queue again:
    /// the call that recorded it may have died before its send.
    pub(crate) async fn chat(&self, call: &Call<'_>, speaker: Speaker) -> Answer {
        let submission = self.submission(call, &speaker.principal)?;
        let key = session_key(&submission.principal, &submission.session_id);
        Span::current().record("message.id", submission.message_id.as_str());
        let store = &*self.ports.store;
        let bounds = self.config.bounds;
        let read = accept::look_up(store, &submission, bounds).await?;
        if read.standing == Standing::New {
            self.admit(&speaker.principal, call.caller, call.now).await?;
            self.record(&submission, read).await?;
        }
        let trace = trace_id(call.request.headers(), &*self.ports.ids);
        self.ports.requests.send(RequestMessage::pointer(&submission, Some(trace))).await?;

        let websocket = self.websocket(call, &key, &speaker.principal).await?;
        let Submission { session_id, message_id, .. } = submission;
        let location = format!("sessions/{session_id}/turns");
        let body =
            json!({ "session_id": session_id, "message_id": message_id, "websocket": websocket });
        let body = answer::with(body, "session_token", speaker.session_token);
        let mut response = answer::json(StatusCode::ACCEPTED, &body);
        let location = HeaderValue::from_str(&location).map_err(Failure::unavailable)?;
        response.headers_mut().insert(LOCATION, location);
        Ok(response)
    }

    /// Records a new message, patient with a store in which others write the session's row at the
    /// same time.
    async fn record(&self, submission: &Submission, read: LookUp) -> Result<(), Failure> {
        let mut patience = Patience::default();
        loop {
            match accept::record(&*self.ports.store, submission, read.clone(), self.config.bounds)
                .await
            {
                Ok(_) => return Ok(()),
                Err(AcceptError::Store(error)) => {
                    patience.wait(error, self.ports.ids.fraction()).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn submission(&self, call: &Call<'_>, principal: &Principal) -> Result<Submission, Failure> {
        let fields = Fields::read(call.request)?;
        let message = parse("message", fields.required("message")?)?;
        let session_id = match fields.text("session_id")? {
            Some(id) => parse("session_id", id)?,
            None => self.new_session_id()?,
        };
        let message_id = match message_id(call.request, &fields)? {
            Some(id) => id,
            None => MessageId::parse(self.ports.ids.id()).map_err(Failure::unavailable)?,
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

    fn provider(&self, fields: &Fields) -> Result<Option<ProviderName>, Failure> {
        let Some(name) = fields.text("provider")? else { return Ok(None) };
        let provider =
            ProviderName::parse(name).ok_or_else(|| Failure::field("provider", "is not known"))?;
        if self.config.providers.contains(&provider) {
            return Ok(Some(provider));
        }
        Err(Failure::field("provider", "is not configured here"))
    }
}

/// Returns the message's id, which the body and the header may both give, if they agree.
fn message_id(request: &Request<Bytes>, fields: &Fields) -> Result<Option<MessageId>, Failure> {
    let body = fields.text("message_id")?.map(|id| parse("message_id", id)).transpose()?;
    let Some(header) = request.headers().get(IDEMPOTENCY_KEY) else { return Ok(body) };
    let header = header.to_str().map_err(|_| Failure::field("Idempotency-Key", "must be ASCII"))?;
    let header = parse("Idempotency-Key", header)?;
    match body {
        Some(body) if body != header => {
            Err(Failure::field("message_id", "differs from the header Idempotency-Key"))
        }
        _ => Ok(Some(header)),
    }
}

fn document_id(fields: &Fields) -> Result<Option<DocumentId>, Failure> {
    const PATH: &str = "context.document_id";
    let id = fields.text_in("context", "document_id", PATH)?;
    id.map(|id| parse(PATH, id)).transpose()
}
