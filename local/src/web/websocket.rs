//! One WebSocket, from its ticket to its close.

use std::time::Duration;

use axum::Extension;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use http::header::{HOST, HeaderName, ORIGIN, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use ingress::SocketSession;
use serde::Deserialize;
use shared::domain::ConnectionId;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::WebState;
use super::accept::ConnectionPlace;
use crate::connections::OutboundMessage;

/// Clients only send `resume`, which is small.
const MAX_INBOUND: usize = 4 * 1024;
const READ_BUFFER: usize = 4 * 1024;
/// Frames that are buffered together are sent with one write.
const WRITE_BUFFER: usize = 8 * 1024;
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// A client from which nothing arrives for this long, not even a pong, counts as gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// How long one write may take before the client counts as gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The query string of a WebSocket's URL.
#[derive(Deserialize)]
pub(super) struct ConnectQuery {
    #[serde(default)]
    ticket: String,
}

/// Checks ticket and origin, then upgrades.
pub(super) async fn connect(
    State(state): State<WebState>,
    Extension(place): Extension<ConnectionPlace>,
    Query(query): Query<ConnectQuery>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let header = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("null"));
    match state.ingress.authorize_socket(&query.ticket, header(ORIGIN), header(HOST)).await {
        Ok(session) => {
            let Ok(socket_place) = state.sockets.enter(Some(session.principal_hash.clone())) else {
                return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "5")]).into_response();
            };
            upgrade
                .max_message_size(MAX_INBOUND)
                .max_frame_size(MAX_INBOUND)
                .read_buffer_size(READ_BUFFER)
                .write_buffer_size(WRITE_BUFFER)
                .on_upgrade(async move |socket| {
                    serve(state, session, socket).await;
                    drop((place, socket_place));
                })
        }
        Err(refusal) => refusal.status().into_response(),
    }
}

async fn serve(state: WebState, session: SocketSession, socket: WebSocket) {
    let id = ConnectionId::new(state.ids.id());
    let outbound = state.connections.open(id.clone());
    let (sink, stream) = socket.split();
    tokio::select! {
        () = write(sink, outbound, state.stop.clone()) => (),
        () = read(&state, &id, &session, stream) => (),
    }
    state.connections.closed(&id);
    state.ingress.socket_closed(&id, &session).await;
}

/// Passes text frames to ingress one after another, until the client is gone or idle.
async fn read(
    state: &WebState,
    id: &ConnectionId,
    session: &SocketSession,
    mut stream: SplitStream<WebSocket>,
) {
    while let Ok(Some(Ok(message))) = timeout(IDLE_TIMEOUT, stream.next()).await {
        match message {
            Message::Text(text) => state.ingress.socket_frame(id, session, &text).await,
            Message::Binary(_) => state.ingress.socket_frame(id, session, "\u{0}").await,
            Message::Close(_) => return,
            Message::Ping(_) | Message::Pong(_) => (),
        }
    }
}

/// Writes frames as they come, several with one flush, and a ping at regular times.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut outbound: Receiver<OutboundMessage>,
    stop: CancellationToken,
) {
    let mut pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
    loop {
        let next = tokio::select! {
            biased;
            next = outbound.recv() => next.unwrap_or(OutboundMessage::Close),
            _ = pings.tick() => {
                let ping = sink.send(Message::Ping(bytes::Bytes::new()));
                if timeout(WRITE_TIMEOUT, ping).await.is_err() {
                    return;
                }
                continue;
            }
            () = stop.cancelled() => {
                return send_close(&mut sink, close_code::RESTART, "the server is restarting").await;
            }
        };
        match timeout(WRITE_TIMEOUT, send(&mut sink, next, &mut outbound)).await {
            Ok(Ok(true)) => (),
            Ok(Ok(false)) => return send_close(&mut sink, close_code::AGAIN, "").await,
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// Sends everything that is buffered; returns `false` when the connection should be closed.
async fn send(
    sink: &mut SplitSink<WebSocket, Message>,
    first: OutboundMessage,
    outbound: &mut Receiver<OutboundMessage>,
) -> Result<bool, axum::Error> {
    let mut next = Some(first);
    while let Some(OutboundMessage::Frame(frame)) = next {
        sink.feed(Message::Text(Utf8Bytes::from(frame))).await?;
        next = outbound.try_recv().ok();
    }
    sink.flush().await?;
    Ok(next.is_none())
}

async fn send_close(sink: &mut SplitSink<WebSocket, Message>, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    drop(timeout(WRITE_TIMEOUT, sink.send(Message::Close(Some(frame)))).await);
}
