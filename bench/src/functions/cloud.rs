//! The AWS services that a chat needs: the table on moto, all others answered here; every call is
//! counted.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::table::Table;

const MAX_BODY: usize = 2 * 1024 * 1024;

/// How often each service was called, in the units that are billed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages sent to the queues.
    pub sends: u64,
    /// Changes of a message's visibility.
    pub hides: u64,
    /// Events put on the bus.
    pub events: u64,
    /// Frames pushed to connections.
    pub frames: u64,
    /// Write units of the table and its index.
    pub writes: u64,
    /// Read units of the table.
    pub reads: u64,
    /// Calls of the table.
    pub table_calls: u64,
    /// Secrets and parameters fetched.
    pub settings: u64,
    /// Calls of other services, which fail.
    pub unknown: u64,
}

/// A message that a function sent to a queue.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The queue's address.
    pub queue: String,
    /// The message group.
    pub group: String,
    /// The body.
    pub body: String,
}

/// The services, on one port. Dropped, they no longer answer.
pub struct Cloud {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    table: Table,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    counts: Counts,
    sent: Vec<Sent>,
}

impl Cloud {
    /// Listens on a free port of the loopback address.
    pub async fn start(table: Table) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { table, state: Mutex::default() });
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self { address, shared, serving })
    }

    /// Returns the base URL of the services.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Empties the table, between two sessions.
    pub async fn empty_table(&self) -> anyhow::Result<()> {
        self.shared.table.empty().await
    }

    /// Returns what was called since the last time.
    pub fn take_counts(&self) -> Counts {
        std::mem::take(&mut self.shared.state().counts)
    }

    /// Returns what was sent to the queues since the last time, in order.
    pub fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.shared.state().sent)
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>) -> anyhow::Result<(StatusCode, Bytes)> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(Body::new(body), MAX_BODY).await?;
        if parts.uri.path().contains("/@connections/")
            || parts.uri.path().contains("/%40connections/")
        {
            self.state().counts.frames += 1;
            return Ok((StatusCode::OK, Bytes::new()));
        }
        let target = target(&parts.headers).to_owned();
        let (service, call) = target.split_once('.').unwrap_or_default();
        if service.starts_with("DynamoDB") {
            let done = self.table.call(call, &body).await?;
            let counts = &mut self.state().counts;
            counts.table_calls += 1;
            counts.writes += done.writes;
            counts.reads += done.reads;
            return Ok((done.status, done.body));
        }
        let answer = self.other(service, call, &serde_json::from_slice(&body).unwrap_or_default());
        Ok((StatusCode::OK, answer.to_string().into()))
    }

    fn other(&self, service: &str, call: &str, input: &Value) -> Value {
        let mut state = self.state();
        match (service, call) {
            ("AmazonSQS", "SendMessage") => {
                state.counts.sends += 1;
                let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
                state.sent.push(Sent {
                    queue: text("QueueUrl"),
                    group: text("MessageGroupId"),
                    body: text("MessageBody"),
                });
                json!({
                    "MessageId": "00000000-0000-4000-8000-000000000001", "SequenceNumber": "1"
                })
            }
            ("AmazonSQS", "ChangeMessageVisibility") => {
                state.counts.hides += 1;
                json!({})
            }
            ("AWSEvents", "PutEvents") => {
                state.counts.events += 1;
                json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] })
            }
            ("secretsmanager", "GetSecretValue") => {
                state.counts.settings += 1;
                let key = "0123456789abcdef".repeat(4);
                let secret = json!({
                    "id": "k1", "key": key, "ANTHROPIC_API_KEY": "bench", "OPENAI_API_KEY": "bench"
                });
                json!({ "ARN": "arn", "Name": "bench", "SecretString": secret.to_string() })
            }
            ("AmazonSSM", "GetParameter") => {
                state.counts.settings += 1;
                json!({
                    "Parameter": { "Name": "bench", "Type": "String", "Value": "claude,openai" }
                })
            }
            _ => {
                state.counts.unknown += 1;
                json!({})
            }
        }
    }
}

fn target(headers: &HeaderMap) -> &str {
    headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        drop(socket.set_nodelay(true));
        tokio::spawn(connection(socket, shared.clone()));
    }
}

async fn connection(socket: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move {
            let answered = shared.answer(request).await.context("a call was not answered");
            let (status, body) = answered.unwrap_or_else(|error| {
                let problem =
                    json!({ "__type": "InternalFailure", "message": format!("{error:#}") });
                (StatusCode::INTERNAL_SERVER_ERROR, problem.to_string().into())
            });
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            Ok::<_, Infallible>(response)
        }
    });
    // Functions that end break their connections off.
    drop(http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
}
