//! How a server is.

use serde::{Deserialize, Serialize};

use super::QueueName;
use crate::domain::{ProviderName, Timestamp};

/// `GET /admin/api/status`. What a home does not know is left out: a server of one machine knows
/// all of it, but for `free_bytes` where the system does not tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// The program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Its clock.
    pub now: Timestamp,
    /// Who can answer, in the order of preference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub providers: Option<Vec<ProviderStatus>>,
    /// Both queues.
    pub queues: Vec<QueueStatus>,
    /// How many WebSockets are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u64>,
    /// How many milliseconds ago a person sent the last message; none since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_ms: Option<u64>,
    /// How large the database is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_bytes: Option<u64>,
    /// What is left on its disk, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// How many documents there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
    /// Whether events carry texts (`CHATBOT_ANALYTICS_TEXT`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analytics_text: Option<bool>,
}

/// One provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderStatus {
    /// Its name.
    pub provider: ProviderName,
    /// The configured model; none where there is no model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether calls go through.
    pub breaker: BreakerState,
}

/// Where a circuit breaker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// None do.
    Open,
    /// One does, to see whether it is well again.
    HalfOpen,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueStatus {
    /// Its name.
    pub queue: QueueName,
    /// How many messages wait.
    pub waiting: u64,
    /// How many are being handled.
    pub in_flight: u64,
    /// How long the oldest that waits has waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_ms: Option<u64>,
    /// How many dead letters there are.
    pub dead: u64,
}
