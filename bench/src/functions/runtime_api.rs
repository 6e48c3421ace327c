//! The Lambda Runtime API: a function asks for its next event, and posts what became of it.
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
/// How long a function may take for an event, as it is told.
const PATIENCE: Duration = Duration::from_mins(2);

/// The largest answer of a function.
const MAX_BODY: usize = 6 * 1024 * 1024;
/// What an event comes with.
const INVOCATION: [(&str, &str); 3] = [
    ("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000000"),
    ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench"),
    ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0"),
];

/// What a function said.
#[derive(Debug)]
pub enum Said {
    /// It asks for an event.
    Next(Question),
    /// It answered an event.
    Response(Bytes),
    /// It failed on an event.
    Error(Bytes),
    /// It could not start.
    InitError(Bytes),
}

/// A function that waits for an event.
#[derive(Debug)]
pub struct Question {
    /// When it asked.
    pub at: Instant,
    answer: oneshot::Sender<Bytes>,
}

impl Question {
    /// Gives it an event.
    pub fn give(self, event: impl Into<Bytes>) {
        // A function that died meanwhile asks no more.
        drop(self.answer.send(event.into()));
    }
}

/// The Runtime API for one process. Dropped, it no longer answers.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    said: mpsc::Receiver<Said>,
    serving: JoinHandle<()>,
}

impl RuntimeApi {
    /// Listens on a free port of the loopback address.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (say, said) = mpsc::channel(16);
        let serving = tokio::spawn(serve(listener, say));
        Ok(Self { address, said, serving })
    }

    /// Returns the value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for what the function says next.
    pub async fn heard(&mut self) -> anyhow::Result<Said> {
        self.said.recv().await.context("the Runtime API has ended")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, say: mpsc::Sender<Said>) {
    while let Ok((socket, _)) = listener.accept().await {
        drop(socket.set_nodelay(true));
        tokio::spawn(connection(socket, say.clone()));
    }
}

async fn connection(socket: TcpStream, say: mpsc::Sender<Said>) {
    let service = service_fn(move |request| {
        let say = say.clone();
        async move { Ok::<_, Infallible>(answer(request, say).await) }
    });
    // A process that ends breaks its connection off.
    drop(http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
}

async fn answer(request: Request<Incoming>, say: mpsc::Sender<Said>) -> Response<Body> {
    let path = request.uri().path().strip_prefix(VERSION).unwrap_or_default().to_owned();
    if request.method() == Method::GET && path == "/invocation/next" {
        return next(&say).await;
    }
    let Ok(body) = to_bytes(Body::new(request.into_body()), MAX_BODY).await else {
        return status(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let said = match path.rsplit('/').next() {
        Some("response") => Said::Response(body),
        Some("error") if path == "/init/error" => Said::InitError(body),
        Some("error") => Said::Error(body),
        _ => return status(StatusCode::NOT_FOUND),
    };
    drop(say.send(said).await);
    status(StatusCode::ACCEPTED)
}

async fn next(say: &mpsc::Sender<Said>) -> Response<Body> {
    let (answer, event) = oneshot::channel();
    let question = Question { at: Instant::now(), answer };
    drop(say.send(Said::Next(question)).await);
    // Nobody has an event for it any more: it waits, as it does on Lambda.
    let Ok(event) = event.await else { return std::future::pending().await };
    let mut response = Response::new(Body::from(event));
    let headers = response.headers_mut();
    for (name, value) in INVOCATION {
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
    u64::try_from((now + PATIENCE).as_millis()).unwrap_or(u64::MAX)
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
