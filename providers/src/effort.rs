//! How much a model thinks before it replies.

use shared::environment::{ConfigError, Environment, invalid};

/// How much a model thinks before it replies.
///
/// Thinking is billed as output and counts towards the limit of a reply, so that a reply may be
/// thought away whole. Each level therefore adds [room](Effort::room) to that limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Effort {
    /// As little as the model allows: the first words come soonest.
    #[default]
    None,
    /// A little.
    Low,
    /// As much as today's models do by themselves.
    Medium,
    /// Much.
    High,
}

/// The room for a model that thinks although it was not asked to, or cannot be told not to.
const UNASKED: u32 = 1_024;

impl Effort {
    /// Reads `CHATBOT_EFFORT`.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        const VARIABLE: &str = "CHATBOT_EFFORT";
        match environment.text(VARIABLE) {
            None | Some("none") => Ok(Self::None),
            Some("low") => Ok(Self::Low),
            Some("medium") => Ok(Self::Medium),
            Some("high") => Ok(Self::High),
            Some(other) => Err(invalid(VARIABLE, other, "must be none, low, medium or high")),
        }
    }

    /// Returns the name that the providers' APIs use, except for [`Effort::None`], which has a form
    /// of its own in some.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Returns the room for thinking beside the limit of a reply, in tokens.
    pub const fn room(self) -> u32 {
        match self {
            Self::None => UNASKED,
            Self::Low => 4_096,
            Self::Medium => 8_192,
            Self::High => 16_384,
        }
    }

    /// Returns the limit that a provider is given for a reply of at most `reply` tokens.
    pub(crate) const fn limit(self, reply: u32) -> u32 {
        reply.saturating_add(self.room())
    }
}
