//! Tools and their rounds, as Chat Completions has them.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use shared::tools::{PromptTools, RoundCall, ToolRound};

use super::request::Message;

/// A tool that the model may ask for.
#[derive(Debug, Serialize)]
pub(super) struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

/// A call that the model asked for in an earlier round.
#[derive(Debug, Serialize)]
pub(super) struct CallOut<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: FunctionOut<'a>,
}

#[derive(Debug, Serialize)]
struct FunctionOut<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// Returns the tools of a prompt.
pub(super) fn offered(tools: &PromptTools) -> Vec<Tool<'_>> {
    tools
        .definitions
        .iter()
        .map(|tool| Tool {
            kind: "function",
            function: Function {
                name: tool.name.as_str(),
                description: &tool.description,
                parameters: &tool.parameters,
            },
        })
        .collect()
}

/// Returns the messages of the rounds: what the model said with its calls, then each result.
pub(super) fn rounds(tools: &PromptTools) -> impl Iterator<Item = Message<'_>> {
    let rounds = tools.rounds.iter();
    rounds.flat_map(|round| std::iter::once(asked(round)).chain(round.calls.iter().map(result)))
}

fn asked(round: &ToolRound) -> Message<'_> {
    Message {
        role: "assistant",
        // Empty rather than absent: some compatible servers insist on the field.
        content: round.text.as_str().into(),
        tool_calls: round
            .calls
            .iter()
            .map(|call| CallOut {
                id: &call.id,
                kind: "function",
                function: FunctionOut { name: call.name.as_str(), arguments: &call.arguments },
            })
            .collect(),
        tool_call_id: None,
    }
}

/// The protocol has no field for a failure, so the text says it.
fn result(call: &RoundCall) -> Message<'_> {
    let text = call.result.text.as_str();
    let content = if call.result.is_error {
        Cow::Owned(format!("Error: {text}"))
    } else {
        Cow::Borrowed(text)
    };
    Message { role: "tool", content, tool_calls: Vec::new(), tool_call_id: Some(&call.id) }
}
