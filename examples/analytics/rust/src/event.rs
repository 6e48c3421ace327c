//! The events, as `contracts/events` describes version 1 of them.
//!
//! Their types are those of the chatbot itself: what it writes is what this consumer reads.

use shared::analytics::AnalyticsEvent;

use crate::moment::Moment;

pub use shared::analytics::{FeedbackDetail, Metadata, SCHEMA_VERSION, SOURCE, TurnDetail};

/// An event, and when what it tells of happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// The time in its detail.
    pub at: Moment,
    /// The event.
    pub fact: AnalyticsEvent,
}
