//! A session's socket: `resume` in, frames out.

use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use futures::SinkExt as _;
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Floor;
use super::frame::{Frame, Resumed};

#[derive(Deserialize)]
pub(super) struct Address {
    /// The session; the floor does no authentication.
    ticket: String,
}

pub(super) async fn connect(
    State(floor): State<Arc<Floor>>,
    Query(address): Query<Address>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(move |socket| serve(floor, address.ticket, socket))
}

async fn serve(floor: Arc<Floor>, session: String, mut socket: WebSocket) {
    let Some(Ok(Message::Text(_))) = socket.recv().await else { return };
    let (sender, mut frames) = unbounded_channel();
    let next = {
        let mut sessions = floor.sessions();
        let session = sessions.entry(session.clone()).or_default();
        session.frames = Some(sender.clone());
        session.turns + 1
    };
    let resumed = Frame::Custom { name: "chat.resumed", value: Resumed { first: 1, next } };
    if let Ok(frame) = serde_json::to_string(&resumed) {
        drop(sender.send(frame));
    }
    drop(pass_on(&mut socket, &mut frames).await);
    floor.sessions().remove(&session);
}

/// Writes frames as they come, several with one flush, until the client is gone.
async fn pass_on(
    socket: &mut WebSocket,
    frames: &mut UnboundedReceiver<String>,
) -> Result<(), axum::Error> {
    loop {
        tokio::select! {
            frame = frames.recv() => {
                let mut next = frame;
                while let Some(frame) = next {
                    socket.feed(Message::Text(frame.into())).await?;
                    next = frames.try_recv().ok();
                }
                socket.flush().await?;
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(message) => drop(message?),
            },
        }
    }
}
