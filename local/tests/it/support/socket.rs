//! One WebSocket, frame by frame.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Http, in_time};

/// The largest frame that the contract allows, in bytes.
const LARGEST_FRAME: usize = 28 * 1024;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Returns a new `{url, ticket}` of a session.
pub(crate) async fn websocket(http: &Http, session: &str) -> Value {
    http.post(&format!("/sessions/{session}/tickets"), &Value::Null).await.expect(201)["websocket"]
        .clone()
}

/// Connects with a ticket.
pub(crate) async fn open(websocket: &Value) -> Socket {
    try_open(websocket, None).await.unwrap()
}

/// Connects as a page of this origin does. Refused, it returns the status.
pub(crate) async fn try_open(websocket: &Value, origin: Option<&str>) -> Result<Socket, u16> {
    let url = websocket["url"].as_str().unwrap();
    let ticket = websocket["ticket"].as_str().unwrap();
    let mut request = format!("{url}?ticket={ticket}").into_client_request().unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    match in_time(connect_async(request)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// Sends a text frame. A connection that is lost shows itself at the next read.
pub(crate) async fn send(socket: &mut Socket, frame: impl ToString) {
    drop(socket.send(Message::text(frame.to_string())).await);
}

/// Returns the next frame; `None` once the connection is closed.
pub(crate) async fn next_frame(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                assert!(text.len() <= LARGEST_FRAME, "a frame of {} bytes", text.len());
                return Some(serde_json::from_str(&text).unwrap());
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => (),
            Some(Ok(other)) if !other.is_close() => panic!("{other:?}"),
            Some(_) | None => return None,
        }
    }
}
