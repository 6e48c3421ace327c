//! Calls as a model asks for them, and as it is told of them.

use std::sync::Arc;

use serde_json::Value;

use super::{ToolDefinition, ToolName};
use crate::domain::ProviderName;

/// A call that a model asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The provider's name of the call, which means nothing to another provider. It may be empty.
    pub id: String,
    /// The name of the tool. It comes from the model: there may be no such tool.
    pub name: String,
    /// The arguments: a whole JSON object, as text. The schema is not checked yet.
    pub arguments: String,
}

/// The tools of a prompt; without any, the model is not told that there are such things.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptTools {
    /// What is offered.
    ///
    /// The same in every round, also in the last one: providers refuse rounds without definitions.
    pub definitions: Arc<[ToolDefinition]>,
    /// The rounds of the turn so far, oldest first. They follow the user's message.
    pub rounds: Vec<ToolRound>,
    /// The model must answer with a text: it may ask for no further call.
    pub answer_only: bool,
}

/// What a model said and asked for in one call, and what it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRound {
    /// What it said before the calls; it may be empty.
    pub text: String,
    /// The calls with their results, in the order of the model. There is at least one.
    pub calls: Vec<RoundCall>,
    /// What it thought, as long as it is known: not after a crash.
    pub thinking: Option<Thinking>,
}

/// One call of a round with its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundCall {
    /// The id that connects call and result: the first 32 characters of the call key.
    ///
    /// It stands in for the provider's own id toward every provider, so that rounds look the same
    /// before and after a crash, and to whoever answers.
    pub id: String,
    /// The name of the tool.
    pub name: ToolName,
    /// The arguments: a JSON object, as text.
    pub arguments: String,
    /// What the model is told.
    pub result: RoundResult,
}

/// What a model is told of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundResult {
    /// The result as the model reads it, already cut and fenced. Untrusted.
    pub text: String,
    /// Whether the call failed.
    pub is_error: bool,
}

/// What a model thought in a round, in the provider's own form.
///
/// It is given back only to the same model of the same provider, and lives in memory only: to
/// others it means nothing, and they refuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thinking {
    /// Who thought.
    pub provider: ProviderName,
    /// The model that was asked, as the request named it.
    pub model: String,
    /// The blocks, unchanged.
    pub blocks: Vec<Value>,
}

impl Thinking {
    /// Returns the blocks if this model thought them.
    pub fn blocks_of(&self, provider: ProviderName, model: &str) -> Option<&[Value]> {
        (self.provider == provider && self.model == model).then_some(&self.blocks)
    }
}
