//! The time that a turn took.

use serde::{Deserialize, Serialize};

/// Where a turn's time went, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timings {
    /// From acceptance to the claim.
    pub queue_ms: u64,
    /// Fetching the history and the document.
    pub context_ms: u64,
    /// From acceptance to the first piece of the reply.
    pub first_token_ms: Option<u64>,
    /// From acceptance to the commit.
    pub total_ms: u64,
}
