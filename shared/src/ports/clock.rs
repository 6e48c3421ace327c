//! The time of day.

use crate::domain::Timestamp;

/// Tells the time of day.
///
/// Clocks of different machines differ by minutes: nothing about a turn's outcome depends on them.
/// Spans (timeouts, intervals) are measured with `tokio::time`, which tests can pause.
pub trait Clock: Send + Sync {
    /// Returns the present time.
    fn now(&self) -> Timestamp;
}
