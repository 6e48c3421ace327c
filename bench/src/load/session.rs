//! One session: its HTTP connection, its socket, its turns.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::Sample;
use super::http::Http;
use super::reply::{Progress, Receiver};

/// No turn of a bench takes this long: what is later is lost.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A session with its socket open and resumed.
#[derive(Debug)]
pub struct Session {
    http: Http,
    socket: WebSocketStream<TcpStream>,
    receiver: Receiver,
    id: String,
    token: Option<String>,
    turns: u64,
}

#[derive(Deserialize)]
struct Opened {
    session_id: String,
    session_token: Option<String>,
    websocket: Way,
}

#[derive(Deserialize)]
struct Way {
    url: String,
    ticket: String,
}

impl Session {
    /// Makes a session and opens its socket.
    pub async fn open(target: SocketAddr) -> anyhow::Result<Self> {
        timeout(TIMEOUT, Self::begin(target)).await.context("a session was not opened in time")?
    }

    async fn begin(target: SocketAddr) -> anyhow::Result<Self> {
        let mut http = Http::connect(target).await?;
        let body = http.post("/sessions", None, "{}", 201).await?;
        let opened: Opened =
            serde_json::from_slice(&body).context("the session is not as agreed")?;
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let address = format!("{}?ticket={}", opened.websocket.url, opened.websocket.ticket);
        let (socket, _) = tokio_tungstenite::client_async(address, stream).await?;
        let mut session = Self {
            http,
            socket,
            receiver: Receiver::new(),
            id: opened.session_id,
            token: opened.session_token,
            turns: 0,
        };
        session.socket.send(Message::text(r#"{"type":"resume","after":0}"#)).await?;
        let answer = session.socket.next().await.context("the socket was closed")??;
        session.receiver.resumed(answer.to_text()?)?;
        Ok(session)
    }

    /// Returns the number of turns so far.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// Sends a message and waits for its whole reply, which must be the expected one.
    pub async fn ask(&mut self, message: &str, expected: &str) -> anyhow::Result<Sample> {
        let turn = self.turns + 1;
        let asked = timeout(TIMEOUT, self.turn(turn, message, expected)).await;
        self.turns = turn;
        asked
            .with_context(|| format!("no reply to turn {turn} in time"))?
            .with_context(|| format!("in turn {turn}"))
    }

    async fn turn(&mut self, turn: u64, message: &str, expected: &str) -> anyhow::Result<Sample> {
        let id = format!("m{turn}");
        let body =
            format!(r#"{{"session_id":"{}","message_id":"{id}","message":"{message}"}}"#, self.id);
        let mut progress = Progress::default();
        let began = Instant::now();
        let Self { http, socket, receiver, token, .. } = self;
        let answered = async {
            loop {
                let frame = next(socket).await?;
                if receiver.receive(frame.to_text()?, turn, &id, expected, &mut progress)? {
                    return Ok(());
                }
            }
        };
        tokio::try_join!(http.post("/chat", token.as_deref(), &body, 202), answered)?;
        let first = progress.first.context("the reply had no text")? - began;
        Ok(Sample {
            first,
            full: began.elapsed(),
            frames: progress.frames,
            repeats: progress.repeats,
        })
    }

    /// Closes the socket, then the connections.
    pub async fn close(mut self) -> anyhow::Result<()> {
        Ok(self.socket.close(None).await?)
    }

    /// Gives up the HTTP connection, and returns the socket alone.
    pub fn into_socket(self) -> WebSocketStream<TcpStream> {
        self.socket
    }
}

/// Returns the next text frame; pings are answered by the socket itself.
async fn next(socket: &mut WebSocketStream<TcpStream>) -> anyhow::Result<Message> {
    loop {
        match socket.next().await.context("the socket was closed")?? {
            text @ Message::Text(_) => return Ok(text),
            Message::Close(_) => bail!("the server closed the socket"),
            _ => {}
        }
    }
}
