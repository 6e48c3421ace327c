//! Passes HTTP requests from axum to ingress, and its responses back.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::header::CONNECTION;
use http::{HeaderValue, StatusCode};
use ingress::ClientInfo;
use tokio::time::timeout;

use super::{ClientAddress, WebState, health};

/// One byte more than ingress accepts, so that ingress is the one to reject a larger body.
const READ_LIMIT: usize = 65_537;
/// How much of a body that is too large is read, so that the client can read the answer and use the
/// connection again.
const DISCARD_LIMIT: usize = 1024 * 1024;
/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// A body, as far as it was read.
struct ReadBody {
    bytes: Bytes,
    /// Whether the end was reached. If not, the connection cannot be used for another request.
    is_whole: bool,
}

/// Passes the request to ingress.
pub(super) async fn handle(
    State(state): State<WebState>,
    Extension(client): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = timeout(BODY_TIMEOUT, read(body)).await else {
        return closing(StatusCode::REQUEST_TIMEOUT.into_response());
    };
    let caller = ClientInfo { address: Some(client.ip.to_string()), iam: None };
    let is_health_check = parts.uri.path() == "/health";
    let is_message = parts.uri.path() == "/chat";
    let request = http::Request::from_parts(parts, body.bytes);
    let answer = state.ingress.handle(request, caller).await;
    if is_message && answer.status() == StatusCode::ACCEPTED {
        state.operator.last_message.record(state.operator.clock.now());
    }
    if is_health_check && answer.status() == StatusCode::OK && !state.health.is_healthy().await {
        return health::unavailable();
    }
    let answer = answer.map(Body::from);
    if body.is_whole { answer } else { closing(answer) }
}

/// Tells the client that the connection ends with this answer: its next request would be read as
/// the rest of the body.
fn closing(mut answer: Response) -> Response {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Reads a body. One that is too large is cut to a length that ingress rejects as too large.
async fn read(body: Body) -> ReadBody {
    let mut chunks = body.into_data_stream();
    let mut bytes = BytesMut::new();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else { return ReadBody { bytes: too_large(), is_whole: false } };
        length += chunk.len();
        if length > DISCARD_LIMIT {
            return ReadBody { bytes: too_large(), is_whole: false };
        }
        let room = READ_LIMIT - bytes.len();
        bytes.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
    }
    ReadBody { bytes: bytes.freeze(), is_whole: true }
}

fn too_large() -> Bytes {
    Bytes::from(vec![b' '; READ_LIMIT])
}
