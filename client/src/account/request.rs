//! The requests that an account sends.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Builder;
use http::{HeaderName, Method, Request, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::CallError;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A request without credentials yet.
pub(super) struct Draft {
    head: Builder,
    body: Bytes,
}

impl Draft {
    /// Asks without a body.
    pub(super) fn new(method: Method, path: &str) -> Self {
        Self { head: Request::builder().method(method).uri(path), body: Bytes::new() }
    }

    /// Posts JSON.
    pub(super) fn post(path: &str, body: &Value) -> Self {
        let head = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(CONTENT_TYPE, "application/json");
        Self { head, body: body.to_string().into() }
    }

    /// Names the message that a repeat of the request repeats.
    pub(super) fn idempotent(self, message_id: &str) -> Self {
        Self { head: self.head.header(IDEMPOTENCY_KEY, message_id), ..self }
    }

    /// Adds the credentials. What cannot be written as a request at all counts as refused with 400.
    pub(super) fn with(self, token: Option<&str>) -> Result<Request<Bytes>, CallError> {
        let head = match token {
            Some(token) => self.head.header(AUTHORIZATION, format!("Bearer {token}")),
            None => self.head,
        };
        let refused = CallError::Refused {
            status: StatusCode::BAD_REQUEST,
            code: None,
            field: None,
            detail: None,
        };
        head.body(self.body).map_err(|_| refused)
    }
}

/// Returns the token that an answer carries, if it does.
pub(super) fn token_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        session_token: Option<String>,
    }
    serde_json::from_slice::<Answer>(body).ok()?.session_token
}
