//! A reply that came whole.

use shared::domain::{FinishReason, Usage};

/// A reply that came whole, without streaming.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReply {
    /// The text.
    pub text: String,
    /// Why it ended.
    pub reason: FinishReason,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// What it used.
    pub usage: Usage,
}
