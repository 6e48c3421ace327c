//! Tools: functions of the product that a model may ask for.
//!
//! Here is how a tool is described: to the model, to the turn protocol and to the senders.

mod definition;
mod round;

pub use definition::{Approval, Effect, ToolDefinition, ToolLimits, ToolName, ToolNameError};
pub use round::{PromptTools, RoundCall, RoundResult, Thinking, ToolCall, ToolRound};
