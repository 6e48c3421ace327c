//! A service that answers as it is told to, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use client::transport::{Closed, ConnectError, NoResponse, Socket, Transport};
use futures::future::pending;
use http::{Request, Response, StatusCode};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What becomes of one call.
pub(super) enum Reaction {
    Answer(Response<Bytes>),
    NoResponse,
    Silent,
}

/// The service; without a told reaction it answers 201 with a ticket.
pub(super) struct Service {
    pub(super) reactions: Mutex<VecDeque<Reaction>>,
    pub(super) refusals: Mutex<VecDeque<ConnectError>>,
    requests: Mutex<Vec<Request<Bytes>>>,
    /// The tickets that were tried, each with the address.
    tickets: Mutex<Vec<String>>,
    opened: UnboundedSender<Peer>,
}

/// The service's end of a socket.
pub(super) struct Peer {
    pub(super) frames: UnboundedSender<String>,
    pub(super) received: UnboundedReceiver<String>,
}

struct ClientEnd {
    frames: UnboundedReceiver<String>,
    sent: UnboundedSender<String>,
}

pub(super) const TICKET: &str =
    r#"{"websocket":{"url":"ws://service/socket","ticket":"new","expires_in":30}}"#;

impl Service {
    /// Makes a service, and where its sockets come out.
    pub(super) fn new(
        reactions: impl IntoIterator<Item = Reaction>,
    ) -> (Arc<Self>, UnboundedReceiver<Peer>) {
        let (opened, peers) = unbounded_channel();
        let reactions = Mutex::new(reactions.into_iter().collect());
        let refusals = Mutex::default();
        let requests = Mutex::default();
        let tickets = Mutex::default();
        (Arc::new(Self { reactions, refusals, requests, tickets, opened }), peers)
    }

    /// Returns what was asked since the last time, as method, path and body.
    pub(super) fn asked(&self) -> Vec<String> {
        let line = |request: Request<Bytes>| {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            format!("{} {} {body}", request.method(), request.uri()).trim_end().to_owned()
        };
        self.requests().into_iter().map(line).collect()
    }

    pub(super) fn requests(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    pub(super) fn tickets(&self) -> Vec<String> {
        std::mem::take(&mut self.tickets.lock().unwrap())
    }

    pub(super) fn react(&self, reaction: Reaction) {
        self.reactions.lock().unwrap().push_back(reaction);
    }
}

pub(super) fn answer(status: u16, body: &str) -> Reaction {
    Reaction::Answer(
        Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap(),
    )
}

pub(super) fn answer_later(status: u16, retry_after: u64) -> Reaction {
    let head = Response::builder().status(status).header("Retry-After", retry_after);
    Reaction::Answer(head.body(Bytes::new()).unwrap())
}

#[async_trait]
impl Transport for Service {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, NoResponse> {
        self.requests.lock().unwrap().push(request);
        let reaction =
            self.reactions.lock().unwrap().pop_front().unwrap_or_else(|| answer(201, TICKET));
        match reaction {
            Reaction::Answer(response) => Ok(response),
            Reaction::NoResponse => Err(NoResponse),
            Reaction::Silent => pending().await,
        }
    }

    async fn connect(&self, url: &str, ticket: &str) -> Result<Box<dyn Socket>, ConnectError> {
        self.tickets.lock().unwrap().push(format!("{url}?ticket={ticket}"));
        if let Some(refusal) = self.refusals.lock().unwrap().pop_front() {
            return Err(refusal);
        }
        let (frames, incoming) = unbounded_channel();
        let (sent, received) = unbounded_channel();
        self.opened
            .send(Peer { frames, received })
            .map_err(|_| ConnectError::Refused(StatusCode::IM_A_TEAPOT))?;
        Ok(Box::new(ClientEnd { frames: incoming, sent }))
    }
}

#[async_trait]
impl Socket for ClientEnd {
    async fn send(&mut self, frame: &str) -> Result<(), Closed> {
        self.sent.send(frame.to_owned()).map_err(|_| Closed)
    }

    async fn receive(&mut self) -> Option<String> {
        self.frames.recv().await
    }
}

impl Peer {
    pub(super) fn push(&self, frame: String) {
        self.frames.send(frame).unwrap();
    }

    /// Claims that the client asks to resume after `cursor` next.
    pub(super) async fn expect_resume(&mut self, cursor: u64) {
        let expected = format!(r#"{{"type":"resume","after":{cursor}}}"#);
        assert_eq!(self.received.recv().await, Some(expected));
    }
}
