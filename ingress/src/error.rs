//! The one place that maps failures to answers.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use shared::domain::ErrorCode;
use shared::ports::{DocumentsError, QueueError, SecretsError, StoreError};
use shared::protocol::accept::AcceptError;

/// Why a call is not answered as it was hoped.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// Something that the client must change.
    Invalid { field: Option<&'static str>, detail: String },
    /// Credentials are missing.
    NoCredentials,
    /// The credentials given are not valid (any more).
    BadCredentials,
    /// Absent, deleted, or somebody else's: no answer tells them apart.
    NotFound,
    /// The path does not know the method.
    Method { allow: &'static str },
    /// The call contradicts what is stored.
    Conflict { field: Option<&'static str>, detail: &'static str },
    /// The body is too large.
    TooLarge,
    /// The body is not JSON.
    MediaType,
    /// Too many calls, or messages.
    RateLimited { after: Duration, detail: &'static str },
    /// A part of the system is away.
    Unavailable(Box<dyn Error + Send + Sync>),
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
}

impl ApiError {
    /// Says which field is wrong, and how.
    pub(crate) fn field(field: &'static str, problem: impl std::fmt::Display) -> Self {
        Self::Invalid { field: Some(field), detail: format!("{field} {problem}.") }
    }

    /// Says that a part of the system is away.
    pub(crate) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }

    /// Writes the answer, `application/problem+json`.
    ///
    /// Worth a retry, not before `Retry-After`: 429 and 503; a message keeps its id then, so that
    /// nothing doubles.
    /// Worth a retry with new credentials: 401. Everything else fails again.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        let (status, code, title) = self.kind();
        let detail = self.detail();
        let r#type = format!("urn:learning-yogi:chatbot:error:{code}");
        let problem = Problem { r#type, title, status: status.as_u16(), detail, field: self.at() };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self {
            Self::NoCredentials => {
                drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            Self::BadCredentials => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer error=\"invalid_token\""),
                );
            }
            Self::Method { allow } => drop(headers.insert(ALLOW, HeaderValue::from_static(allow))),
            Self::RateLimited { after, .. } => drop(headers.insert(RETRY_AFTER, seconds(after))),
            Self::Unavailable(_) => drop(headers.insert(RETRY_AFTER, seconds(UNAVAILABLE_RETRY))),
            _ => {}
        }
        response
    }

    fn kind(&self) -> (StatusCode, ErrorCode, &'static str) {
        use ErrorCode as Code;
        match self {
            Self::Invalid { .. } => {
                (StatusCode::BAD_REQUEST, Code::InvalidRequest, "Invalid request")
            }
            Self::NoCredentials | Self::BadCredentials => {
                (StatusCode::UNAUTHORIZED, Code::Unauthorized, "Not authenticated")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, Code::NotFound, "Not found"),
            Self::Method { .. } => {
                (StatusCode::METHOD_NOT_ALLOWED, Code::InvalidRequest, "Method not allowed")
            }
            Self::Conflict { .. } => (StatusCode::CONFLICT, Code::Conflict, "Conflict"),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, Code::InvalidRequest, "Body too large")
            }
            Self::MediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidRequest, "Unsupported media type")
            }
            Self::RateLimited { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, "Too many requests")
            }
            Self::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, "Unavailable")
            }
        }
    }

    fn detail(&self) -> &str {
        match self {
            Self::Invalid { detail, .. } => detail,
            Self::NoCredentials => {
                "This request needs an Authorization header with a bearer token."
            }
            Self::BadCredentials => "The credentials are invalid or have expired.",
            Self::NotFound => "Not found.",
            Self::Method { .. } => "This path does not support the method.",
            Self::Conflict { detail, .. } | Self::RateLimited { detail, .. } => detail,
            Self::TooLarge => "The body is larger than 65536 bytes.",
            Self::MediaType => "The content type must be application/json.",
            Self::Unavailable(_) => {
                "The service is temporarily unavailable. Please try again soon."
            }
        }
    }

    fn at(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. } | Self::Conflict { field, .. } => *field,
            _ => None,
        }
    }
}

const UNAVAILABLE_RETRY: Duration = Duration::from_secs(2);

/// Writes a span as `Retry-After`: whole seconds, rounded up, at least one.
pub(crate) fn seconds(span: Duration) -> HeaderValue {
    HeaderValue::from((span.as_secs() + u64::from(span.subsec_nanos() > 0)).max(1))
}

impl From<AcceptError> for ApiError {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Conflict => Self::Conflict {
                field: Some("message_id"),
                detail: "message_id was already used with a different body.",
            },
            AcceptError::Gone => Self::NotFound,
            AcceptError::TooManyWaiting => Self::RateLimited {
                after: Duration::from_secs(5),
                detail: "The session has too many unanswered messages.",
            },
            AcceptError::Store(error) => error.into(),
        }
    }
}

macro_rules! unavailable {
    ($($error:ty),+) => {
        $(impl From<$error> for ApiError {
            fn from(error: $error) -> Self {
                Self::unavailable(error)
            }
        })+
    };
}

unavailable!(QueueError, SecretsError, DocumentsError);

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            // Its source may quote the item.
            StoreError::Corrupt(_) => Self::unavailable(error.to_string()),
            other => Self::unavailable(other),
        }
    }
}
