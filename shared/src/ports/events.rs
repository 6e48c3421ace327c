//! Where analytics events go.

use async_trait::async_trait;

/// One event, as the bus takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct EventEntry {
    /// The deterministic id that consumers dedup on; also inside the detail.
    pub id: String,
    /// The detail type, such as `Chat Message`.
    pub detail_type: &'static str,
    /// The detail, a JSON object.
    pub detail: serde_json::Value,
}

/// The reason why no entry of a call was taken.
#[derive(Debug, thiserror::Error)]
#[error("the event bus is unavailable")]
pub struct EventsError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Publishes events at least once.
#[async_trait]
pub trait Events: Send + Sync {
    /// Publishes up to ten entries and returns the indexes of those that were not taken.
    ///
    /// An entry that was taken is never in the result.
    /// After an error any of them may have been taken: consumers dedup on the id.
    async fn put(&self, entries: &[EventEntry]) -> Result<Vec<usize>, EventsError>;
}
