//! Passes HTTP requests from axum to ingress, and its responses back.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use ingress::ClientInfo;
use tokio::time::timeout;

use super::WebState;

/// One byte more than ingress accepts, so that ingress is the one to reject a larger body.
const READ_LIMIT: usize = 65_537;
/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// Passes the request to ingress.
pub(super) async fn handle(
    State(state): State<WebState>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = timeout(BODY_TIMEOUT, read(body)).await else {
        return StatusCode::REQUEST_TIMEOUT.into_response();
    };
    let caller = ClientInfo { address: Some(address.ip().to_string()), iam: None };
    let is_message = parts.uri.path() == "/chat";
    let answer = state.ingress.handle(http::Request::from_parts(parts, body), caller).await;
    if is_message && answer.status() == StatusCode::ACCEPTED {
        state.operator.last_message.record(state.operator.clock.now());
    }
    answer.map(Body::from)
}

/// Reads a body. One that is too large is replaced by one that ingress rejects as too large.
async fn read(body: Body) -> Bytes {
    to_bytes(body, READ_LIMIT).await.unwrap_or_else(|_| Bytes::from(vec![b' '; READ_LIMIT]))
}
