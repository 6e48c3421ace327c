//! A complete reply, from a provider's batch API.

use shared::domain::{FinishReason, Usage};

/// A complete reply, which was not streamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReply {
    /// The text.
    pub text: String,
    /// Why it ended.
    pub reason: FinishReason,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// The tokens that were used.
    pub usage: Usage,
}
