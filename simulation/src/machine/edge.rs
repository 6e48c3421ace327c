//! The way to a server over HTTP and WebSocket, of clients that lose patience.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fastrand::Rng;
use futures::{SinkExt as _, StreamExt as _};
use http::{Request, Response};
use reqwest::Client;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::ledger::Ledger;
use crate::checks::foreign;
use crate::client::edge::{Closed, ConnectError, Edge, Lost, Socket};
use crate::faults::lock;

/// One call of so many is given up by its caller.
const GIVEN_UP: u32 = 12;
/// How long such a caller waits at most: long enough for half of the answers to be there, and to be
/// lost.
const SHORT_PATIENCE_US: u64 = 12_000;

/// Where the server is; nowhere while it is down.
pub(super) type Address = watch::Receiver<Option<String>>;

/// The way of one account to the server.
pub(super) struct ServerEdge {
    client: Client,
    address: Address,
    /// The number of the account, by which what belongs to others is recognised.
    owner: u32,
    ledger: Arc<Ledger>,
    rng: Mutex<Rng>,
}

impl ServerEdge {
    pub(super) fn new(
        owner: u32,
        address: Address,
        ledger: Arc<Ledger>,
        rng: Rng,
    ) -> anyhow::Result<Self> {
        Ok(Self { client: client()?, address, owner, ledger, rng: Mutex::new(rng) })
    }

    /// Waits for the server, as a client behind a balancer does, and sends the request.
    async fn send(&self, request: Request<Bytes>) -> Option<Response<Bytes>> {
        let mut address = self.address.clone();
        let base = address.wait_for(Option::is_some).await.ok()?.clone()?;
        let (parts, body) = request.into_parts();
        let call = self.client.request(parts.method, format!("{base}{}", parts.uri));
        let answer = call.headers(parts.headers).body(body).send().await.ok()?;
        let status = answer.status();
        let headers = answer.headers().clone();
        let mut response = Response::new(answer.bytes().await.ok()?);
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Some(response)
    }

    /// Returns how long a caller waits that gives up.
    fn short_patience(&self) -> Option<Duration> {
        let mut rng = lock(&self.rng);
        let gives_up = self.ledger.is_stormy() && rng.u32(0..GIVEN_UP) == 0;
        gives_up.then(|| Duration::from_micros(rng.u64(0..SHORT_PATIENCE_US)))
    }

    fn check(&self, address: &str, response: &Response<Bytes>) {
        if let Some(other) = foreign(self.owner, &String::from_utf8_lossy(response.body())) {
            self.ledger.violation(
                "7",
                format!("{address} answered account {} what is {other}'s", self.owner),
            );
        }
        if response.status().as_u16() == 500 {
            let body = String::from_utf8_lossy(response.body()).into_owned();
            self.ledger.violation("8", format!("{address} answered a bare 500: {body}"));
        }
    }
}

#[async_trait]
impl Edge for ServerEdge {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        let address = request.uri().to_string();
        let sent = self.send(request);
        if let Some(patience) = self.short_patience() {
            let name = if timeout(patience, sent).await.is_ok() {
                "answers lost"
            } else {
                "calls given up"
            };
            self.ledger.tally.event(name);
            return Err(Lost);
        }
        let response = sent.await.ok_or(Lost)?;
        self.check(&address, &response);
        Ok(response)
    }

    async fn connect(&self, url: &str, ticket: &str) -> Result<Box<dyn Socket>, ConnectError> {
        match connect_async(format!("{url}?ticket={ticket}")).await {
            Ok((socket, _)) => Ok(Box::new(ServerSocket(socket))),
            Err(Error::Http(answer)) => Err(ConnectError::Refused(answer.status())),
            Err(_) => Err(ConnectError::Lost),
        }
    }
}

struct ServerSocket(WebSocketStream<MaybeTlsStream<TcpStream>>);

#[async_trait]
impl Socket for ServerSocket {
    async fn send(&mut self, frame: &str) -> Result<(), Closed> {
        self.0.send(Message::text(frame)).await.map_err(|_| Closed)
    }

    async fn receive(&mut self) -> Option<String> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return Some(text.to_string()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }
}

/// Makes a client for plain HTTP; without any TLS default the library wants to be told so.
fn client() -> anyhow::Result<Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).tcp_nodelay(true).no_proxy().build()?)
}
