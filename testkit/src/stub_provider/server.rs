//! The sockets: connections in, planned answers out.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, stream};
use http::{Method, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::call::Protocol;
use super::plan::{End, Plan, Step};
use super::script::{self, Script};

const LARGEST_BODY: usize = 32 << 20;

/// Serves until it is dropped, and takes its connections along.
pub(super) async fn serve(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(connection(socket, Arc::clone(&script)));
                }
                // Out of file handles: some will be free soon.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(socket: TcpStream, script: Arc<Script>) {
    let answer = |request| answer(request, Arc::clone(&script));
    let served = async {
        socket.set_nodelay(true)?;
        let io = TokioIo::new(socket);
        let serving = http1::Builder::new().serve_connection(io, service_fn(answer));
        serving.await.map_err(io::Error::other)
    };
    // Clients hang up, and cuts are what the stub is for: neither is news.
    drop(served.await);
}

async fn answer(request: Request<Incoming>, script: Arc<Script>) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body =
        axum::body::to_bytes(Body::new(body), LARGEST_BODY).await.map_err(io::Error::other)?;
    let plan = match (parts.uri.path(), parts.method) {
        ("/v1/messages", Method::POST) => script.plan(Protocol::Claude, parts.headers, &body),
        ("/v1/chat/completions" | "/chat/completions", Method::POST) => {
            script.plan(Protocol::OpenAi, parts.headers, &body)
        }
        (path, _) if path.contains("messages") => script::not_found(Protocol::Claude),
        _ => script::not_found(Protocol::OpenAi),
    };
    respond(plan, script).await
}

async fn respond(plan: Plan, script: Arc<Script>) -> io::Result<Response<Body>> {
    match plan {
        Plan::Cut => Err(io::ErrorKind::ConnectionReset.into()),
        Plan::Silence => {
            let _watch = Watch { script, ended: false };
            std::future::pending().await
        }
        Plan::Error { status, headers, body } => {
            let response =
                Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
            let response = headers
                .iter()
                .fold(response, |response, (name, value)| response.header(*name, value));
            response.body(Body::from(body)).map_err(io::Error::other)
        }
        Plan::Stream { steps, end } => {
            let response = Response::builder()
                .header(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")
                .header(header::CACHE_CONTROL, "no-cache");
            response.body(body(steps, end, script)).map_err(io::Error::other)
        }
    }
}

fn body(steps: Arc<[Step]>, end: End, script: Arc<Script>) -> Body {
    match (&*steps, end) {
        ([Step::Send(whole)], End::Clean) => Body::from(whole.clone()),
        _ => Body::from_stream(play(Play {
            steps,
            end,
            next: 0,
            due: Instant::now(),
            watch: Watch { script, ended: false },
        })),
    }
}

struct Play {
    steps: Arc<[Step]>,
    end: End,
    next: usize,
    due: Instant,
    watch: Watch,
}

/// Reports an answer that was dropped before its end.
struct Watch {
    script: Arc<Script>,
    ended: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.ended {
            self.script.abandoned();
        }
    }
}

fn play(play: Play) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(play, |mut play| async move {
        let part = play.part().await?;
        Some((part, play))
    })
}

impl Play {
    async fn part(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            let step = self.steps.get(self.next).cloned();
            self.next += 1;
            match step {
                Some(Step::Send(bytes)) => return Some(Ok(bytes)),
                Some(Step::Wait(delay)) => self.wait(delay).await,
                None => match self.end {
                    End::Hang => std::future::pending().await,
                    End::Repeat => self.next = self.steps.len() - 1,
                    End::Clean => return self.ended(None),
                    End::Cut => return self.ended(Some(io::ErrorKind::ConnectionReset.into())),
                },
            }
        }
    }

    async fn wait(&mut self, delay: Duration) {
        if delay.is_zero() {
            return tokio::task::yield_now().await;
        }
        self.due += delay;
        if self.due <= Instant::now() {
            // A pause that a busy machine has already used up must still let the connection
            // flush: an error right behind a piece would take the unsent piece with it.
            tokio::task::yield_now().await;
        }
        tokio::time::sleep_until(self.due).await;
    }

    fn ended(&mut self, error: Option<io::Error>) -> Option<io::Result<Bytes>> {
        if self.watch.ended {
            return None;
        }
        self.watch.ended = true;
        error.map(Err)
    }
}
