//! The operator API, used by `yogi` and the admin page (`contracts/operator.yaml`).
//!
//! | module | contents |
//! |---|---|
//! | `access` | access control: the token, this machine, no pages of other sites |
//! | `token` | the operator token, and the file with the server's address |
//! | `extract`, `response` | requests; responses as JSON or as problem details |
//! | `status` | the server's status and settings |
//! | `disk` | free disk space |
//! | `messages` | messages sent by operators, and their results |
//! | `prompts` | the provider requests of messages, without sending them |
//! | `sessions` | sessions, their turns and their deletion; chat sessions of operators |
//! | `last_message` | the time of the last message of a user |
//! | `events` | published events |
//! | `dead_letters` | messages that could not be handled |
//! | `stats` | statistics of a time range |
//! | `page` | the admin page |
//! | `metrics` | metrics for Prometheus |

mod access;
mod dead_letters;
mod disk;
mod events;
mod extract;
mod last_message;
mod messages;
mod metrics;
mod page;
mod prompts;
mod response;
mod sessions;
mod stats;
mod status;
pub mod token;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use ingress::Ingress;
use notifier::Notifier;
use secrecy::SecretString;
use shared::domain::Timestamp;
use shared::ports::Clock;
use worker::Worker;

pub use last_message::LastMessage;

use crate::connections::Connections;
use crate::sqlite::{Database, SqliteEvents, SqliteQueue, SqliteStatistics, SqliteStore};

/// A hundred messages, each with the largest replay.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// The state that all operator calls share.
pub struct Operator {
    /// Handles the public API.
    pub ingress: Arc<Ingress>,
    /// Handles the requests queue.
    pub worker: Arc<Worker>,
    /// Handles the replies queue and the cleanup.
    pub notifier: Arc<Notifier>,
    /// The open WebSockets.
    pub connections: Arc<Connections>,
    /// The database that contains everything below.
    pub database: Database,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The store with the sessions.
    pub store: SqliteStore,
    /// The event bus.
    pub events: SqliteEvents,
    /// The statistics.
    pub statistics: SqliteStatistics,
    /// The requests queue, to the worker.
    pub requests: Arc<SqliteQueue>,
    /// The replies queue, to the notifier.
    pub replies: Arc<SqliteQueue>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The time of the last message of a user.
    pub last_message: LastMessage,
    /// When the server started.
    pub started_at: Timestamp,
    /// The token that operator calls require.
    pub token: SecretString,
    /// Whether only this machine can reach the server; statistics then need no token.
    pub is_private: bool,
    /// Whether events include texts.
    pub has_texts: bool,
    /// The variables that are set, without secrets.
    pub settings: BTreeMap<String, String>,
    /// Which API keys are set, by their variables.
    pub keys: BTreeMap<&'static str, bool>,
}

/// Returns the routes: the calls behind their access control, and the page, which contains no data.
pub(crate) fn router(operator: Arc<Operator>) -> Router {
    let page = Router::new()
        .route("/admin", get(page::index))
        .route("/admin/page/{file}", get(page::file));
    let calls = Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/admin/api/status", get(status::status))
        .route("/admin/api/stats", get(stats::stats))
        .route("/admin/api/settings", get(status::settings))
        .route("/admin/api/cleanup", post(status::clean_up))
        .route("/admin/api/messages", post(messages::submit))
        .route("/admin/api/messages/lookup", post(messages::lookup))
        .route("/admin/api/prompts", post(prompts::render))
        .route("/admin/api/chat-sessions", post(sessions::create_chat_session))
        .route("/admin/api/sessions", get(sessions::list))
        .route("/admin/api/sessions/{key}", get(sessions::get).delete(sessions::delete))
        .route("/admin/api/sessions/{key}/turns", get(sessions::turns))
        .route("/admin/api/events", get(events::list))
        .route("/admin/api/dead-letters", get(dead_letters::list))
        .route("/admin/api/dead-letters/redrive", post(dead_letters::redrive))
        .route("/admin/api/dead-letters/drop", post(dead_letters::remove))
        .route("/admin/api/{*path}", axum::routing::any(response::unknown_route))
        .method_not_allowed_fallback(response::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(Arc::clone(&operator), access::check))
        .with_state(operator);
    calls.merge(page)
}
