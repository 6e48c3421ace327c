//! One WebSocket, from its ticket to its end.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};
use ingress::SocketSession;
use serde::Deserialize;
use shared::domain::ConnectionId;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, interval_at, timeout};

use super::Host;
use super::connections::Outbound;
use crate::stop::{Stop, stopped};

/// Clients send nothing but `resume`.
const MAX_INBOUND: usize = 4 * 1024;
const READ_BUFFER: usize = 4 * 1024;
/// Frames that wait together go out in one write.
const WRITE_BUFFER: usize = 8 * 1024;
const PING_EVERY: Duration = Duration::from_secs(30);
/// A client that is silent for this long, pongs included, is gone.
const SILENCE: Duration = Duration::from_secs(75);
/// How long one write may take before the client counts as gone.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

/// What the address of a socket carries.
#[derive(Deserialize)]
pub(super) struct Address {
    #[serde(default)]
    ticket: String,
}

/// Checks ticket and origin, then upgrades.
pub(super) async fn connect(
    State(host): State<Host>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let header = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("null"));
    match host.ingress.authorize_socket(&address.ticket, header(ORIGIN), header(HOST)).await {
        Ok(session) => upgrade
            .max_message_size(MAX_INBOUND)
            .max_frame_size(MAX_INBOUND)
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .on_upgrade(move |socket| serve(host, session, socket)),
        Err(refusal) => refusal.status().into_response(),
    }
}

async fn serve(host: Host, session: SocketSession, socket: WebSocket) {
    let id = ConnectionId::new(host.ids.id());
    let outbound = host.connections.open(id.clone());
    let (sink, stream) = socket.split();
    tokio::select! {
        () = write(sink, outbound, host.stop.clone()) => (),
        () = read(&host, &id, &session, stream) => (),
    }
    host.connections.closed(&id);
    host.ingress.socket_closed(&id, &session).await;
}

/// Hands text frames to ingress, one after another, until the client is gone or silent.
async fn read(
    host: &Host,
    id: &ConnectionId,
    session: &SocketSession,
    mut stream: SplitStream<WebSocket>,
) {
    while let Ok(Some(Ok(message))) = timeout(SILENCE, stream.next()).await {
        match message {
            Message::Text(text) => host.ingress.socket_frame(id, session, &text).await,
            Message::Binary(_) => host.ingress.socket_frame(id, session, "\u{0}").await,
            Message::Close(_) => return,
            Message::Ping(_) | Message::Pong(_) => (),
        }
    }
}

/// Writes frames as they come, several with one flush, and a ping now and then.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut outbound: Receiver<Outbound>,
    mut stop: Stop,
) {
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    loop {
        let next = tokio::select! {
            biased;
            next = outbound.recv() => next.unwrap_or(Outbound::Close),
            _ = pings.tick() => {
                if timeout(WRITE_PATIENCE, sink.send(Message::Ping(bytes::Bytes::new()))).await.is_err() { return }
                continue;
            }
            () = stopped(&mut stop) => {
                return goodbye(&mut sink, close_code::RESTART, "the server restarts").await;
            }
        };
        match timeout(WRITE_PATIENCE, send(&mut sink, next, &mut outbound)).await {
            Ok(Ok(true)) => (),
            Ok(Ok(false)) => return goodbye(&mut sink, close_code::AGAIN, "").await,
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// Sends what there is; `false` when the connection is to be closed.
async fn send(
    sink: &mut SplitSink<WebSocket, Message>,
    first: Outbound,
    outbound: &mut Receiver<Outbound>,
) -> Result<bool, axum::Error> {
    let mut next = Some(first);
    while let Some(Outbound::Frame(frame)) = next {
        sink.feed(Message::Text(Utf8Bytes::from(frame))).await?;
        next = outbound.try_recv().ok();
    }
    sink.flush().await?;
    Ok(next.is_none())
}

async fn goodbye(sink: &mut SplitSink<WebSocket, Message>, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    drop(timeout(WRITE_PATIENCE, sink.send(Message::Close(Some(frame)))).await);
}
