//! One WebSocket after another: whatever is lost, the next one brings.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use shared::http_client;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::home::Public;

const CONNECT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A connection, with TLS or without.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

type Socket = WebSocketStream<Box<dyn Wire>>;

/// The connection, open or about to be.
pub(super) struct Link {
    socket: Option<Socket>,
    pause: Duration,
    next: Instant,
}

/// What a link brings.
pub(super) enum News {
    /// It is open: the client asks to resume.
    Opened,
    /// A frame.
    Frame(Value),
    /// It was lost, or cannot be had; it tries again by itself.
    Lost,
}

impl Link {
    /// Begins without a connection.
    pub(super) fn new() -> Self {
        Self { socket: None, pause: FIRST_PAUSE, next: Instant::now() }
    }

    /// Waits for what comes next. It may be dropped and called again.
    pub(super) async fn next(&mut self, public: &Public) -> News {
        let Some(socket) = &mut self.socket else {
            sleep(self.next.saturating_duration_since(Instant::now())).await;
            return match open(public).await {
                Some(socket) => {
                    self.socket = Some(socket);
                    self.pause = FIRST_PAUSE;
                    News::Opened
                }
                None => self.lost(),
            };
        };
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    if let Ok(frame) = serde_json::from_str(&text) {
                        return News::Frame(frame);
                    }
                }
                Some(Ok(other)) if !other.is_close() => (),
                _ => return self.lost(),
            }
        }
    }

    /// Asks for what comes after a turn.
    pub(super) async fn resume(&mut self, after: u64) {
        let frame = json!({ "type": "resume", "after": after }).to_string();
        if let Some(socket) = &mut self.socket {
            // A connection that is lost shows itself at the next read.
            drop(socket.send(Message::text(frame)).await);
        }
    }

    fn lost(&mut self) -> News {
        self.socket = None;
        self.next = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        News::Lost
    }
}

async fn open(public: &Public) -> Option<Socket> {
    let ticket = public.ticket().await.ok()?;
    let address: Uri = format!("{}?ticket={}", ticket.url, ticket.ticket).parse().ok()?;
    let opened = async {
        let wire = connect(&address).await?;
        client_async(address, wire).await.ok()
    };
    let (socket, _) = timeout(CONNECT, opened).await.ok()??;
    Some(socket)
}

async fn connect(address: &Uri) -> Option<Box<dyn Wire>> {
    let is_safe = address.scheme_str() == Some("wss");
    let host = address.host()?;
    let port = address.port_u16().unwrap_or(if is_safe { 443 } else { 80 });
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.ok()?;
    if !is_safe {
        return Some(Box::new(stream));
    }
    let tls = TlsConnector::from(Arc::new(http_client::tls().ok()?));
    let name = ServerName::try_from(host.to_owned()).ok()?;
    Some(Box::new(tls.connect(name, stream).await.ok()?))
}
