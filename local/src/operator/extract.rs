//! Extractors for the body, query and path of requests. Their errors name the invalid part.

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;
use shared::domain::{ErrorCode, SessionKey};

use super::response::Problem;

/// A JSON body. Errors do not quote its content.
pub(super) struct JsonBody<T>(pub(super) T);

/// A query string.
pub(super) struct QueryParams<T>(pub(super) T);

/// The session key in the path. An invalid key is treated as one that does not exist.
pub(super) struct SessionPath(pub(super) SessionKey);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let is_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
            let detail =
                if is_large { "The body is larger than 32 MB." } else { "The body is incomplete." };
            Problem::new(rejection.status(), ErrorCode::InvalidRequest, detail)
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let detail = format!("The body is invalid: {}.", shared::redact(&error));
            Problem::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidRequest, detail)
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|rejection| bad_query(&rejection))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SessionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let key = path.ok().and_then(|Path(key)| SessionKey::parse(key).ok());
        key.map(Self).ok_or_else(|| Problem::not_found("session"))
    }
}

/// Names the invalid parameter, which precedes the description in axum's message. The rest of the
/// message may quote its value and is dropped.
fn bad_query(rejection: &QueryRejection) -> Problem {
    let text = rejection.body_text();
    let named = text
        .split(": ")
        .nth(1)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    Problem::field(named.unwrap_or("query"), "is invalid")
}
