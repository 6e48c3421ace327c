//! The analytics events that one machine keeps.

use serde::{Deserialize, Serialize};

use crate::analytics::AnalyticsEvent;
use crate::domain::Timestamp;

/// `GET /admin/api/events?after=0&limit=1000&wait_ms=0`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct EventQuery {
    /// The place behind which events are asked for; absent: only what comes from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// At most 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// How long to wait for the first, at most 20,000 ms.
    #[serde(default)]
    pub wait_ms: u64,
}

/// The answer to an [`EventQuery`], in the order of publishing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventPage {
    /// At most `limit`.
    pub events: Vec<StoredEvent>,
    /// The `after` of the next call.
    pub next: i64,
}

/// One event; the same may be there twice, under one id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Its place in the order of publishing, from 1.
    pub seq: i64,
    /// The id that consumers dedup on.
    pub id: String,
    /// The detail type, such as `Chat Message`.
    pub detail_type: String,
    /// The detail, as in `contracts/events`.
    pub detail: serde_json::Value,
    /// When it was published.
    pub published_at: Timestamp,
}

impl StoredEvent {
    /// Reads the detail; none for a detail type that is not known here, or a detail that is not as
    /// its schema says.
    pub fn typed(&self) -> Option<AnalyticsEvent> {
        AnalyticsEvent::from_detail(&self.detail_type, &self.detail).ok().flatten()
    }
}
