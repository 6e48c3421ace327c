//! Accepts connections, within limits on their number and on the time that they may idle.
//!
//! Everything here is at the disposal of strangers: a connection is accepted before anybody knows
//! who calls. What it may hold is therefore bounded by its address and in all, and given back when
//! the caller sends nothing.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ingress::network;
use shared::keyed_limit::{KeyedLimit, LimitReached, Place};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::forwarded::TrustedProxies;

/// How long a client may take to send the headers of a request, and how long a connection may idle
/// between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after an error of `accept`, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often refused connections are logged.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// How many connections may be open at once; WebSockets are among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// In all (`CHATBOT_MAX_CONNECTIONS`).
    pub total: usize,
    /// From one IPv4 address or IPv6 /64; trusted proxies are not counted
    /// (`CHATBOT_MAX_CONNECTIONS_PER_ADDRESS`).
    pub per_address: usize,
}

/// Serves connections until `stop`, and then until their requests are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    proxies: Arc<TrustedProxies>,
    stop: CancellationToken,
) {
    let open = KeyedLimit::new(limits.total, limits.per_address);
    let mut refused = RefusalLog::default();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                refused.log(&error.to_string());
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let network = (!proxies.trusts(peer.ip())).then(|| network(&peer.ip().to_string()));
        match open.enter(network) {
            Ok(place) => {
                let place = ConnectionPlace(Arc::new(place));
                connections.spawn(run(socket, peer, place, router.clone(), stop.clone()));
            }
            // Dropping the socket closes it. An answer would cost more than the refusal saves.
            Err(LimitReached::Total) => refused.log("CHATBOT_MAX_CONNECTIONS is reached"),
            Err(LimitReached::Key) => {
                refused.log("CHATBOT_MAX_CONNECTIONS_PER_ADDRESS is reached");
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn run(
    socket: TcpStream,
    peer: SocketAddr,
    place: ConnectionPlace,
    router: Router,
    stop: CancellationToken,
) {
    drop(socket.set_nodelay(true));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A WebSocket outlives this task, and keeps the place.
        request.extensions_mut().insert(place.clone());
        TowerToHyperService::new(router.clone()).call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // What a client does to its connection is nothing that an operator must know.
        ended = connection.as_mut() => return drop(ended),
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}

/// One connection, counted until the last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPlace(
    #[expect(dead_code, reason = "held for its drop")] Arc<Place<String>>,
);

/// Logs refused connections, one line in [`LOG_INTERVAL`]: a flood must not fill the disk.
#[derive(Debug, Default)]
struct RefusalLog {
    last: Option<Instant>,
    since: u64,
}

impl RefusalLog {
    fn log(&mut self, reason: &str) {
        self.since += 1;
        if self.last.is_some_and(|last| last.elapsed() < LOG_INTERVAL) {
            return;
        }
        tracing::warn!(connections = self.since, reason, "refused connections");
        self.last = Some(Instant::now());
        self.since = 0;
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpSocket;

    use super::*;

    /// Serves "here" at `/` within limits, and returns the address.
    async fn start(total: usize, per_address: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "here"));
        let limits = ConnectionLimits { total, per_address };
        let proxies = Arc::new(TrustedProxies::default());
        tokio::spawn(serve(listener, router, limits, proxies, CancellationToken::new()));
        address
    }

    async fn connect(to: SocketAddr, from: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        socket.connect(to).await.unwrap()
    }

    /// Asks for `/`, and returns whether an answer came: the connection may be closed instead.
    async fn is_answered(stream: &mut TcpStream) -> bool {
        let mut answer = [0; 12];
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok()
            && stream.read_exact(&mut answer).await.is_ok()
            && &answer == b"HTTP/1.1 200"
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_whole_request_is_closed() {
        let server = start(10, 10).await;
        for beginning in ["", "GET / HTTP/1.1\r\nx: "] {
            let begun = Instant::now();
            let mut stream = connect(server, "127.0.0.1").await;
            stream.write_all(beginning.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            drop(stream.read_to_end(&mut rest).await);
            assert!(begun.elapsed() <= HEADER_TIMEOUT * 2, "{beginning:?}");
        }
        let mut idle = connect(server, "127.0.0.1").await;
        assert!(is_answered(&mut idle).await);
        drop(idle.read_to_end(&mut Vec::new()).await);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn one_address_and_all_together_hold_so_many_connections() {
        let server = start(3, 2).await;
        let mut first = connect(server, "127.0.0.1").await;
        let mut second = connect(server, "127.0.0.1").await;
        assert!(is_answered(&mut first).await && is_answered(&mut second).await);
        assert!(!is_answered(&mut connect(server, "127.0.0.1").await).await);
        let mut other = connect(server, "127.0.0.2").await;
        assert!(is_answered(&mut other).await);
        assert!(!is_answered(&mut connect(server, "127.0.0.3").await).await);
        drop((first, second));
        // The server learns of the closed connections a moment later.
        while !is_answered(&mut connect(server, "127.0.0.1").await).await {}
    }
}
