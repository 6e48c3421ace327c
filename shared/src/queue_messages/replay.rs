//! A message that is answered once more, under other conditions.

use serde::{Deserialize, Serialize};

use crate::domain::MessageText;

/// What a submitted message is answered with in place of its session's history and the deployment's settings.
///
/// Whoever may send to the queue may set it: a replay, an evaluation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// What the model reads as the conversation so far, oldest first, in place of the session's turns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Exchange>,
    /// The model of the provider asked for, in place of the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The instructions, in place of the built-in ones; the document's block follows them all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

/// One turn of a conversation that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What the user wrote.
    pub message: MessageText,
    /// What was answered.
    pub reply: String,
}
