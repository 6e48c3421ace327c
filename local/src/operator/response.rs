//! Responses: JSON and problem details.

use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;
use shared::domain::ErrorCode;
use shared::ports::{QueueError, StoreError};
use worker::WorkerError;

use crate::sqlite::error::DatabaseError;

/// The result of an operator call.
pub(super) type OperatorResult<T = Response> = Result<T, Problem>;

/// An error response in `application/problem+json`, as in the public API.
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

    /// Reports an invalid field of the request.
    pub(super) fn field(field: &str, problem: impl Display) -> Self {
        let detail = format!("{field} {problem}.");
        Self {
            field: Some(field.to_owned()),
            ..Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidRequest, detail)
        }
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, format!("The {what} was not found."))
    }

    /// Reports that the storage failed, and logs the error.
    fn unavailable(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "an operator call failed");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Unavailable,
            "The storage is currently unavailable.",
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

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        Self::unavailable(&error)
    }
}

/// Creates a JSON response.
pub(super) fn json_response(status: StatusCode, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

pub(super) async fn unknown_route() -> Problem {
    Problem::not_found("endpoint")
}

pub(super) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::InvalidRequest,
        "This method is not supported for the endpoint.",
    )
}
