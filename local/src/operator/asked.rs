//! What a call asks, read from its body, its query and its path; what is wrong with it is a problem
//! that says where.

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;
use shared::domain::{ErrorCode, SessionKey};

use super::answer::Problem;

/// A body of JSON. What is wrong with it is said without its words.
pub(super) struct Json<T>(pub(super) T);

/// A query.
pub(super) struct Asked<T>(pub(super) T);

/// The session that the path names; a key that is none names nothing.
pub(super) struct OfSession(pub(super) SessionKey);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let is_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
            let detail =
                if is_large { "The body is larger than 32 MB." } else { "The body broke off." };
            Problem::new(rejection.status(), ErrorCode::InvalidRequest, detail)
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let detail =
                format!("The body is not what this call takes: {}.", shared::redact(&error));
            Problem::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidRequest, detail)
        })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(asked)| Self(asked)).map_err(|rejection| bad_query(&rejection))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OfSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let key = path.ok().and_then(|Path(key)| SessionKey::parse(key).ok());
        key.map(Self).ok_or_else(|| Problem::not_found("session"))
    }
}

/// Names the parameter, which stands before what is wrong with it; its words are left out.
fn bad_query(rejection: &QueryRejection) -> Problem {
    let text = rejection.body_text();
    let named = text
        .split(": ")
        .nth(1)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    Problem::field(named.unwrap_or("query"), "is not what this call takes")
}
