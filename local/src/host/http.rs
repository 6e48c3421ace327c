//! A request from axum to ingress, and its answer back.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use ingress::ClientInfo;
use tokio::time::timeout;

use super::Host;

/// One byte more than ingress takes, so that it is ingress that refuses a larger body.
const READ_LIMIT: usize = 65_537;
/// How long a client may take to send its body.
const BODY_PATIENCE: Duration = Duration::from_secs(15);

/// Hands the request to ingress.
pub(super) async fn handle(
    State(host): State<Host>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = timeout(BODY_PATIENCE, read(body)).await else {
        return StatusCode::REQUEST_TIMEOUT.into_response();
    };
    let caller = ClientInfo { address: Some(address.ip().to_string()), iam: None };
    let is_message = parts.uri.path() == "/chat";
    let answer = host.ingress.handle(http::Request::from_parts(parts, body), caller).await;
    if is_message && answer.status() == StatusCode::ACCEPTED {
        host.operator.live.saw(host.operator.clock.now());
    }
    answer.map(Body::from)
}

/// Reads a body; one that is too large becomes one that ingress refuses as such.
async fn read(body: Body) -> Bytes {
    to_bytes(body, READ_LIMIT).await.unwrap_or_else(|_| Bytes::from(vec![b' '; READ_LIMIT]))
}
