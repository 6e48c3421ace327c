//! A principal's calls. Each is one attempt with one clear outcome, but for
//! [`Account::post_with_retries`].

mod answers;
mod message;
mod outcome;
mod request;
mod settle;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::json;
use shared::domain::Rating;
use tokio::time::timeout;

pub use self::answers::{
    Accepted, Created, DocumentEntry, History, SocketTicket, StoredError, StoredTurn, TurnState,
};
use self::answers::{DocumentList, TicketIssued};
pub use self::message::Message;
pub use self::outcome::CallError;
use self::request::{Draft, token_of};
use super::transport::Transport;

/// How long an answer is waited for; longer than the service ever holds one back.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Somebody who talks to the service, with the token that proves who it is.
///
/// An anonymous account gets its token from the first answer that carries one, and replaces it by
/// every later one.
/// Calls of one account may run at the same time; while it has no token, each is a principal of its
/// own.
pub struct Account {
    transport: Arc<dyn Transport>,
    token: Mutex<Option<String>>,
}

impl Account {
    /// Makes an account without credentials.
    pub fn anonymous(transport: Arc<dyn Transport>) -> Self {
        Self { transport, token: Mutex::new(None) }
    }

    /// Makes an account with a bearer token: a session token, or a JWT.
    pub fn with_token(transport: Arc<dyn Transport>, token: impl Into<String>) -> Self {
        Self { transport, token: Mutex::new(Some(token.into())) }
    }

    /// Returns the way to the service.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// Returns the newest token.
    pub fn token(&self) -> Option<String> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Creates a session; an own one that exists is answered the same.
    pub async fn create_session(&self, session_id: Option<&str>) -> Result<Created, CallError> {
        let body = session_id.map_or_else(|| json!({}), |id| json!({ "session_id": id }));
        self.answer(Draft::post("/sessions", &body), StatusCode::CREATED).await
    }

    /// Sends a message, once.
    pub async fn post(&self, message: &Message) -> Result<Accepted, CallError> {
        let request = Draft::post("/chat", &message.to_body()).idempotent(&message.message_id);
        self.answer(request, StatusCode::ACCEPTED).await
    }

    /// Gets a ticket for one socket.
    pub async fn ticket(&self, session_id: &str) -> Result<SocketTicket, CallError> {
        let path = format!("/sessions/{session_id}/tickets");
        let issued: TicketIssued =
            self.answer(Draft::new(Method::POST, &path), StatusCode::CREATED).await?;
        Ok(issued.websocket)
    }

    /// Reads at most `limit` turns after turn `after`, oldest first.
    pub async fn history(
        &self,
        session_id: &str,
        after: u64,
        limit: u64,
    ) -> Result<History, CallError> {
        let path = format!("/sessions/{session_id}/turns?after={after}&limit={limit}");
        self.answer(Draft::new(Method::GET, &path), StatusCode::OK).await
    }

    /// Asks for an answer to end with the text that it has.
    pub async fn stop(&self, session_id: &str, message_id: &str) -> Result<(), CallError> {
        let path = format!("/sessions/{session_id}/stop");
        self.done(Draft::post(&path, &json!({ "message_id": message_id })), StatusCode::ACCEPTED)
            .await
    }

    /// Says what the user thinks of a final.
    pub async fn rate(
        &self,
        session_id: &str,
        turn: u64,
        rating: Rating,
        comment: Option<&str>,
    ) -> Result<(), CallError> {
        let path = format!("/sessions/{session_id}/turns/{turn}/feedback");
        let body = json!({ "rating": rating, "comment": comment });
        self.done(Draft::post(&path, &body), StatusCode::NO_CONTENT).await
    }

    /// Deletes a session and everything in it.
    pub async fn delete(&self, session_id: &str) -> Result<(), CallError> {
        self.done(
            Draft::new(Method::DELETE, &format!("/sessions/{session_id}")),
            StatusCode::NO_CONTENT,
        )
        .await
    }

    /// Lists the documents that the account may read.
    pub async fn documents(&self) -> Result<Vec<DocumentEntry>, CallError> {
        let list: DocumentList =
            self.answer(Draft::new(Method::GET, "/documents"), StatusCode::OK).await?;
        Ok(list.documents)
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        request: Draft,
        expected: StatusCode,
    ) -> Result<T, CallError> {
        let response = self.call(request, expected).await?;
        let malformed = || CallError::Refused {
            status: expected,
            code: None,
            field: None,
            detail: Some("the response does not follow the contract".to_owned()),
        };
        serde_json::from_slice(response.body()).map_err(|_| malformed())
    }

    async fn done(&self, request: Draft, expected: StatusCode) -> Result<(), CallError> {
        self.call(request, expected).await.map(|_| ())
    }

    async fn call(
        &self,
        request: Draft,
        expected: StatusCode,
    ) -> Result<Response<Bytes>, CallError> {
        let request = request.with(self.token().as_deref())?;
        let response = timeout(CALL_TIMEOUT, self.transport.call(request))
            .await
            .map_err(|_| CallError::NoResponse)??;
        if response.status() != expected {
            return Err(CallError::of(&response));
        }
        let may_renew = matches!(expected, StatusCode::CREATED | StatusCode::ACCEPTED);
        if let Some(token) = may_renew.then(|| token_of(response.body())).flatten() {
            *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        }
        Ok(response)
    }
}
