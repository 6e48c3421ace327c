//! Answers that are not failures.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::error::ApiError;

/// What every call ends with.
pub(crate) type HttpResult = Result<Response<Bytes>, ApiError>;

/// Answers with JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Bytes> {
    text(status, serde_json::to_vec(value).unwrap_or_default())
}

/// Answers with a body that is JSON already.
pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Answers without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// Leaves out a field that has no value.
pub(crate) fn with(mut object: Value, name: &str, value: Option<impl Serialize>) -> Value {
    if let (Value::Object(fields), Some(value)) = (&mut object, value) {
        fields.insert(name.to_owned(), serde_json::json!(value));
    }
    object
}
