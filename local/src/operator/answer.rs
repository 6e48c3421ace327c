//! Answers: JSON, and problems.

use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;
use shared::domain::ErrorCode;
use shared::ports::{QueueError, StoreError};
use worker::WorkerError;

use crate::sqlite::error::Failure;

/// What every call ends with.
pub(super) type Answer<T = Response> = Result<T, Problem>;

/// Why a call is not answered as it was hoped; `application/problem+json`, as everywhere.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: ErrorCode,
    detail: String,
    field: Option<String>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), field: None }
    }

    /// Says which field is wrong, and how.
    pub(super) fn field(field: &str, problem: impl Display) -> Self {
        let detail = format!("{field} {problem}.");
        Self {
            field: Some(field.to_owned()),
            ..Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidRequest, detail)
        }
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, format!("There is no such {what}."))
    }

    /// A part of the server is away, most likely the disk; logged here, once.
    fn unavailable(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "an operator call failed");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Unavailable,
            "The data cannot be read or written now.",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("urn:learning-yogi:chatbot:error:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(field) = self.field {
            body["field"] = json!(field);
        }
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<WorkerError> for Problem {
    fn from(error: WorkerError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<Failure> for Problem {
    fn from(error: Failure) -> Self {
        Self::unavailable(&error)
    }
}

/// Answers with JSON.
pub(super) fn json_of(status: StatusCode, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

pub(super) async fn unknown() -> Problem {
    Problem::not_found("call")
}

pub(super) async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::InvalidRequest,
        "This call has another method.",
    )
}
