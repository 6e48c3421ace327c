//! The server side of the Lambda Runtime API: a function asks for its next event, and posts the
//! result.
//!
//! Source: "Using the Lambda runtime API" in the AWS Lambda developer guide, version 2018-06-01.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

const VERSION: &str = "/2018-06-01/runtime";
/// How long a function may take for an event, as the deadline header tells it.
const INVOCATION_TIMEOUT: Duration = Duration::from_mins(2);

/// The largest response that Lambda accepts from a function.
const MAX_BODY: usize = 6 * 1024 * 1024;
/// Headers that come with every event.
const INVOCATION_HEADERS: [(&str, &str); 3] = [
    ("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000000"),
    ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench"),
    ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0"),
];

/// A call that a function made.
#[derive(Debug)]
pub enum RuntimeCall {
    /// It asks for its next event.
    Next(PendingInvocation),
    /// It answered an event.
    Response(Bytes),
    /// It failed on an event.
    Error(Bytes),
    /// It could not start.
    InitError(Bytes),
}

/// A function's open request for its next event.
#[derive(Debug)]
pub struct PendingInvocation {
    /// When the function asked.
    pub asked_at: Instant,
    event: oneshot::Sender<Bytes>,
}

impl PendingInvocation {
    /// Answers the request with an event.
    pub fn send_event(self, event: impl Into<Bytes>) {
        // The receiver is gone if the function died while it waited.
        drop(self.event.send(event.into()));
    }
}

/// The Runtime API for one process. It stops answering on drop.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    calls: mpsc::Receiver<RuntimeCall>,
    serving: JoinHandle<()>,
}

impl RuntimeApi {
    /// Listens on a free port of the loopback address.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::channel(16);
        let serving = tokio::spawn(serve(listener, sender));
        Ok(Self { address, calls, serving })
    }

    /// Returns the value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the function's next call, however long that takes.
    pub async fn next_call(&mut self) -> anyhow::Result<RuntimeCall> {
        self.calls.recv().await.context("the Runtime API has ended")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, calls: mpsc::Sender<RuntimeCall>) {
    while let Ok((socket, _)) = listener.accept().await {
        drop(socket.set_nodelay(true));
        tokio::spawn(connection(socket, calls.clone()));
    }
}

async fn connection(socket: TcpStream, calls: mpsc::Sender<RuntimeCall>) {
    let service = service_fn(move |request| {
        let calls = calls.clone();
        async move { Ok::<_, Infallible>(answer(request, calls).await) }
    });
    // A process that ends breaks its connection off.
    drop(http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
}

async fn answer(request: Request<Incoming>, calls: mpsc::Sender<RuntimeCall>) -> Response<Body> {
    let path = request.uri().path().strip_prefix(VERSION).unwrap_or_default().to_owned();
    if request.method() == Method::GET && path == "/invocation/next" {
        return next(&calls).await;
    }
    let Ok(body) = to_bytes(Body::new(request.into_body()), MAX_BODY).await else {
        return status(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let call = match path.rsplit('/').next() {
        Some("response") => RuntimeCall::Response(body),
        Some("error") if path == "/init/error" => RuntimeCall::InitError(body),
        Some("error") => RuntimeCall::Error(body),
        _ => return status(StatusCode::NOT_FOUND),
    };
    drop(calls.send(call).await);
    status(StatusCode::ACCEPTED)
}

async fn next(calls: &mpsc::Sender<RuntimeCall>) -> Response<Body> {
    let (sender, event) = oneshot::channel();
    let pending = PendingInvocation { asked_at: Instant::now(), event: sender };
    drop(calls.send(RuntimeCall::Next(pending)).await);
    // When the test has dropped the request, the function waits, as a frozen one does on Lambda.
    let Ok(event) = event.await else { return std::future::pending().await };
    let mut response = Response::new(Body::from(event));
    let headers = response.headers_mut();
    for (name, value) in INVOCATION_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("lambda-runtime-deadline-ms", deadline().into());
    response
}

#[expect(
    clippy::disallowed_methods,
    reason = "the Runtime API states a deadline by the wall clock"
)]
fn deadline() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from((now + INVOCATION_TIMEOUT).as_millis()).unwrap_or(u64::MAX)
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
