//! The operator calls, under `/admin/api`: what `yogi` and the admin page ask.
//!
//! | module | what it holds |
//! |---|---|
//! | `access` | who is let in |
//! | `answer` | answers and problems |
//! | `token` | the operator token, and the file that says where the server is |
//! | `messages` | messages that operators send, and what became of them |
//! | `sessions` | sessions and turns |
//! | `queues` | dead letters |
//! | `events` | the analytics events |
//! | `settings` | the settings that are no secret |
//! | `status` | how the server is |

mod access;
mod answer;
mod events;
mod messages;
mod queues;
mod sessions;
mod settings;
mod status;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use ingress::Ingress;
use notifier::Notifier;
use serde_json::Value;
use shared::domain::Timestamp;
use shared::ports::{Clock, Store};
use tokio::sync::watch;
use worker::Worker;

use crate::host::{Connections, Names};
use crate::sqlite::{Database, SqliteQueue};
use crate::stop::Stop;

pub use settings::settings;
pub use token::{Announcement, OperatorToken};

/// The largest body: 100 messages of the largest size, all of it escaped, and their history.
const MAX_BODY: usize = 32 << 20;

/// What the operator calls stand on.
pub struct Operator {
    /// What lets operators in.
    pub token: OperatorToken,
    /// Which names the server answers to.
    pub names: Names,
    /// The front door, for what follows its rules.
    pub ingress: Arc<Ingress>,
    /// The worker, for its providers.
    pub worker: Arc<Worker>,
    /// The notifier, for its cleanup.
    pub notifier: Arc<Notifier>,
    /// The sessions.
    pub store: Arc<dyn Store>,
    /// To the worker.
    pub requests: Arc<SqliteQueue>,
    /// To the notifier.
    pub replies: Arc<SqliteQueue>,
    /// The file.
    pub database: Database,
    /// The open WebSockets.
    pub connections: Arc<Connections>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// When the server started.
    pub started_at: Timestamp,
    /// Whether events carry texts.
    pub analytics_text: bool,
    /// The settings that are no secret.
    pub settings: Value,
    /// Changes whenever turns were delivered.
    pub delivered: watch::Receiver<u64>,
    /// Turns true when the server stops.
    pub stop: Stop,
}

type Shared = axum::extract::State<Arc<Operator>>;
type Peer = axum::extract::ConnectInfo<SocketAddr>;

/// Returns the routes, each behind the rule of who is let in.
pub fn router<S: Clone + Send + Sync + 'static>(operator: Arc<Operator>) -> Router<S> {
    Router::new()
        .route("/admin/api/status", get(status::status))
        .route("/admin/api/settings", get(status::settings))
        .route("/admin/api/cleanup", post(status::cleanup))
        .route("/metrics", get(status::metrics))
        .route("/admin/api/messages", post(messages::submit))
        .route("/admin/api/messages/lookup", post(messages::lookup))
        .route("/admin/api/chat-sessions", post(sessions::chat))
        .route("/admin/api/sessions", get(sessions::list))
        .route("/admin/api/sessions/{session_key}", get(sessions::show).delete(sessions::delete))
        .route("/admin/api/sessions/{session_key}/turns", get(sessions::turns))
        .route("/admin/api/events", get(events::events))
        .route("/admin/api/dead-letters", get(queues::dead_letters))
        .route("/admin/api/dead-letters/redrive", post(queues::redrive))
        .route("/admin/api/dead-letters/drop", post(queues::drop_letters))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(operator.clone(), access::guard))
        .with_state(operator)
}
