//! The transport of clients to the real server, some of which give up early.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use client::transport::{ConnectError, HttpTransport, NoResponse, Socket, Transport};
use fastrand::Rng;
use http::{Request, Response};
use tokio::sync::watch;
use tokio::time::timeout;

use super::ledger::Ledger;
use crate::checks::foreign;
use crate::faults::lock;

/// One call of so many is given up by its caller.
const GIVEN_UP: u32 = 12;
/// How long such a caller waits at most: long enough for half of the answers to be there, and to be
/// lost.
const SHORT_PATIENCE_US: u64 = 12_000;

/// The server's address, or none while it is down.
pub(super) type Address = watch::Receiver<Option<String>>;

/// One account's transport to the server.
pub(super) struct ServerEdge {
    transport: HttpTransport,
    address: Address,
    /// The number of the account, by which content that belongs to others is recognised.
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
        let transport = HttpTransport::new("")?;
        Ok(Self { transport, address, owner, ledger, rng: Mutex::new(rng) })
    }

    /// Waits until the server runs, as a client behind a load balancer does, and sends the request.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, NoResponse> {
        let mut address = self.address.clone();
        let base = address.wait_for(Option::is_some).await.map_err(|_| NoResponse)?.clone();
        self.transport.at(base.ok_or(NoResponse)?).call(request).await
    }

    /// Returns how long to wait if this caller is one that gives up early.
    fn short_patience(&self) -> Option<Duration> {
        let mut rng = lock(&self.rng);
        let gives_up = self.ledger.has_faults() && rng.u32(0..GIVEN_UP) == 0;
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
impl Transport for ServerEdge {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, NoResponse> {
        let address = request.uri().to_string();
        let sent = self.send(request);
        if let Some(patience) = self.short_patience() {
            let name = if timeout(patience, sent).await.is_ok() {
                "answers lost"
            } else {
                "calls given up"
            };
            self.ledger.tally.event(name);
            return Err(NoResponse);
        }
        let response = sent.await?;
        self.check(&address, &response);
        Ok(response)
    }

    async fn connect(&self, url: &str, ticket: &str) -> Result<Box<dyn Socket>, ConnectError> {
        self.transport.connect(url, ticket).await
    }
}
