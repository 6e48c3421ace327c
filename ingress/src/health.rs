//! `GET /health`: the process answers.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use crate::response;

/// Says that the process answers; asks nothing of anybody.
pub(crate) fn health() -> Response<Bytes> {
    response::json(StatusCode::OK, &json!({ "status": "ok" }))
}
