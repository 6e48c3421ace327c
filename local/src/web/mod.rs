//! HTTP, WebSocket and the chat page.

mod accept;
mod api;
mod forwarded;
mod health;
mod host_check;
mod page;
mod websocket;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use ingress::Ingress;
use shared::domain::PrincipalHash;
use shared::keyed_limit::KeyedLimit;
use shared::ports::Ids;
use tokio_util::sync::CancellationToken;

use crate::connections::Connections;
use crate::operator::{self, Operator};

pub use accept::ConnectionLimits;
pub(crate) use accept::serve;
pub(crate) use forwarded::ClientAddress;
pub use forwarded::TrustedProxies;
pub use health::HealthProbe;
pub use host_check::AcceptedHosts;

/// The state that every request handler shares.
#[derive(Clone)]
pub struct WebState {
    /// Handles the public API.
    pub ingress: Arc<Ingress>,
    /// The open WebSockets.
    pub connections: Arc<Connections>,
    /// Which `Host` headers are accepted.
    pub accepted_hosts: AcceptedHosts,
    /// The proxies whose headers are believed.
    pub proxies: Arc<TrustedProxies>,
    /// Limits the open WebSockets of each principal.
    pub sockets: KeyedLimit<PrincipalHash>,
    /// Probes the database for `/health`.
    pub health: Arc<HealthProbe>,
    /// Creates connection ids.
    pub ids: Arc<dyn Ids>,
    /// Handles operator calls.
    pub operator: Arc<Operator>,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
}

/// Returns the routes: the page, the WebSocket, the operator calls, and ingress for the rest.
pub fn router(state: WebState) -> Router {
    let accepted_hosts = state.accepted_hosts;
    let forwarding =
        forwarded::Forwarding { proxies: Arc::clone(&state.proxies), ..Default::default() };
    let operator = operator::router(Arc::clone(&state.operator));
    Router::new()
        .route("/", get(page::index))
        .route("/page/{file}", get(page::file))
        .route(ingress::config::LOCAL_SOCKET_PATH, get(websocket::connect))
        .fallback(api::handle)
        .with_state(state)
        .merge(operator)
        .layer(from_fn_with_state(accepted_hosts, host_check::check_host))
        // Outermost: what follows needs the address and the host that it finds.
        .layer(from_fn_with_state(forwarding, forwarded::resolve))
}

/// Installs the signal handlers. The returned future completes at Ctrl-C or SIGTERM.
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

/// Returns a future that completes at Ctrl-C.
#[cfg(not(unix))]
pub fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
