//! The operator calls: what `yogi` and the admin page ask of this server
//! (`contracts/operator.yaml`).
//!
//! | module | what it holds |
//! |---|---|
//! | `access` | who may call: the token, this machine, no other site's pages |
//! | `token` | the token, and the file that says where the server is |
//! | `asked`, `answer` | what a call asks, and what it is answered: JSON and problems |
//! | `status` | how the server is, and how it is set |
//! | `disk` | what is left of it |
//! | `messages` | messages through the queue, and what became of them |
//! | `prompts` | what a provider would be asked |
//! | `sessions` | sessions, their turns, their deletion; a token to speak with |
//! | `live` | when a person last sent a message |
//! | `events` | the events that were published |
//! | `dead_letters` | what nobody could handle |
//! | `stats` | figures of a span of time |
//! | `page` | the page that shows them |
//! | `metrics` | the same for Prometheus |

mod access;
mod answer;
mod asked;
mod dead_letters;
mod disk;
mod events;
mod live;
mod messages;
mod metrics;
mod page;
mod prompts;
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

pub use live::Live;

use crate::host::Connections;
use crate::sqlite::{Database, SqliteEvents, SqliteQueue, SqliteStatistics, SqliteStore};

/// A hundred messages, each with the largest replay.
const LARGEST_BODY: usize = 32 * 1024 * 1024;

/// What the operator calls are answered with.
pub struct Operator {
    /// The front door.
    pub ingress: Arc<Ingress>,
    /// Who answers.
    pub worker: Arc<Worker>,
    /// Who delivers, and cleans up.
    pub notifier: Arc<Notifier>,
    /// The open WebSockets.
    pub connections: Arc<Connections>,
    /// Where everything is.
    pub database: Database,
    /// The folder of the database.
    pub data_dir: PathBuf,
    /// The sessions.
    pub store: SqliteStore,
    /// The events.
    pub events: SqliteEvents,
    /// The figures.
    pub statistics: SqliteStatistics,
    /// The queue to the worker.
    pub requests: Arc<SqliteQueue>,
    /// The queue to the notifier.
    pub replies: Arc<SqliteQueue>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// When a person last sent a message.
    pub live: Live,
    /// When the server started.
    pub started_at: Timestamp,
    /// What the calls ask for.
    pub token: SecretString,
    /// Whether figures need no token on this machine: nobody else can reach it.
    pub is_private: bool,
    /// Whether events carry texts.
    pub has_texts: bool,
    /// The variables that are set and no secret.
    pub settings: BTreeMap<String, String>,
    /// Whether keys are set, by their variables.
    pub keys: BTreeMap<&'static str, bool>,
}

/// Returns the calls, behind their rule of access, and the page, which holds nothing of anybody's.
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
        .route("/admin/api/chat-sessions", post(sessions::speak))
        .route("/admin/api/sessions", get(sessions::list))
        .route("/admin/api/sessions/{key}", get(sessions::one).delete(sessions::delete))
        .route("/admin/api/sessions/{key}/turns", get(sessions::turns))
        .route("/admin/api/events", get(events::list))
        .route("/admin/api/dead-letters", get(dead_letters::list))
        .route("/admin/api/dead-letters/redrive", post(dead_letters::redrive))
        .route("/admin/api/dead-letters/drop", post(dead_letters::remove))
        .route("/admin/api/{*path}", axum::routing::any(answer::unknown))
        .method_not_allowed_fallback(answer::wrong_method)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(Arc::clone(&operator), access::check))
        .with_state(operator);
    calls.merge(page)
}
