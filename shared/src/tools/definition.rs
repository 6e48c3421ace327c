//! What is known of a tool, whatever it is reached by.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest name that every provider accepts, in characters.
const MAX_NAME: usize = 64;

/// The reason why a string is not a tool's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {MAX_NAME} of the characters a–z, A–Z, 0–9, _ and -")]
pub struct ToolNameError;

/// The name of a tool, in the form that every provider accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolName(String);

impl ToolName {
    /// Parses a name.
    pub fn parse(name: impl Into<String>) -> Result<Self, ToolNameError> {
        let name = name.into();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let fits = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(legal);
        fits.then_some(Self(name)).ok_or(ToolNameError)
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ToolName {
    type Error = ToolNameError;
    fn try_from(name: String) -> Result<Self, ToolNameError> {
        Self::parse(name)
    }
}

impl From<ToolName> for String {
    fn from(name: ToolName) -> Self {
        name.0
    }
}

impl std::fmt::Display for ToolName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a call of a tool does. The order is by strictness: of two effects the larger one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing: it may be called at any time and any number of times.
    Read,
    /// Something that the tool does once for one key, however often it is called with it.
    Idempotent,
    /// Something that must not be asked for twice.
    Once,
}

/// Whether the user is asked before a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// The call is made without asking.
    #[default]
    Never,
    /// The call waits for the user's decision.
    Always,
}

/// The bounds of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolLimits {
    /// How long a call may take.
    pub timeout: Duration,
    /// The largest arguments, in bytes of JSON.
    pub argument_bytes: usize,
    /// The largest part of a result that the model reads, in estimated tokens.
    pub result_tokens: u32,
}

impl Default for ToolLimits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), argument_bytes: 8 * 1_024, result_tokens: 8_000 }
    }
}

/// A tool as it is offered to a model, and what its calls may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolDefinition {
    /// What the model calls it by.
    pub name: ToolName,
    /// What the user reads about a call, such as "Looked at the timetable".
    pub title: Option<String>,
    /// What the model reads: when to use it, and what it returns.
    pub description: String,
    /// The JSON Schema of its arguments, which are an object.
    pub parameters: Value,
    /// What a call does.
    pub effect: Effect,
    /// Whether the user is asked first.
    pub approval: Approval,
    /// Whether the user may see arguments and results.
    pub visible: bool,
    /// The bounds of a call.
    pub limits: ToolLimits,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_every_provider_accepts() {
        let long = "x".repeat(64);
        for name in ["lessons", "book_room-2", "X", &long] {
            assert_eq!(ToolName::parse(name).unwrap().as_str(), name);
        }
        for name in ["", "book room", "mcp.rooms", "raum.buchung", "räume", &format!("{long}x")] {
            assert_eq!(ToolName::parse(name), Err(ToolNameError), "{name}");
        }
    }

    #[test]
    fn the_stricter_effect_is_the_larger_one() {
        assert_eq!(Effect::Read.max(Effect::Once), Effect::Once);
        assert_eq!(Effect::Idempotent.max(Effect::Read), Effect::Idempotent);
    }
}
