//! HTTP, WebSocket and the chat page.

mod connections;
mod guard;
mod http;
mod page;
mod socket;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use ingress::Ingress;
use shared::ports::Ids;

use crate::operator::{self, Operator};
use crate::stop::Stop;

pub use connections::Connections;
pub use guard::Names;

/// What every request is handled with.
#[derive(Clone)]
pub struct Host {
    /// The front door.
    pub ingress: Arc<Ingress>,
    /// The open WebSockets.
    pub connections: Arc<Connections>,
    /// Which names the server answers to.
    pub names: Names,
    /// Names connections.
    pub ids: Arc<dyn Ids>,
    /// What operators ask.
    pub operator: Arc<Operator>,
    /// Turns true when the server stops.
    pub stop: Stop,
}

/// Returns the routes: the page, the socket, the operator calls, and everything else for ingress.
pub fn router(host: Host) -> Router {
    let names = host.names;
    let operator = operator::router(Arc::clone(&host.operator));
    Router::new()
        .route("/", get(page::index))
        .route("/page/{file}", get(page::file))
        .route(ingress::config::LOCAL_SOCKET_PATH, get(socket::connect))
        .fallback(http::handle)
        .with_state(host)
        .merge(operator)
        .layer(from_fn_with_state(names, guard::guard))
}

/// Listens from now on; what it returns ends when the process is asked to stop, by Ctrl-C or
/// SIGTERM.
#[cfg(unix)]
pub fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    })
}

/// What it returns ends when the process is asked to stop, by Ctrl-C.
#[cfg(not(unix))]
pub fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
