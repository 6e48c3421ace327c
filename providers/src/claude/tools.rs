//! Tools and their rounds, as the Messages API has them.

use serde_json::{Value, json};
use shared::domain::ProviderName;
use shared::ports::Prompt;
use shared::tools::{PromptTools, RoundCall, ToolRound};

/// Returns the tools of a prompt.
pub(super) fn offered(tools: &PromptTools) -> Vec<Value> {
    let tool = |tool: &shared::tools::ToolDefinition| {
        json!({
            "name": tool.name.as_str(),
            "description": tool.description,
            "input_schema": tool.parameters,
        })
    };
    tools.definitions.iter().map(tool).collect()
}

/// Returns what the model may do with the tools; `None`: ask for any.
pub(super) fn choice(tools: &PromptTools) -> Option<Value> {
    let must_answer = tools.answer_only && !tools.definitions.is_empty();
    must_answer.then(|| json!({ "type": "none" }))
}

/// Tells whether the thoughts of every round are known and this model's own.
///
/// If not, the model is asked to go on without thinking: it would miss them.
pub(super) fn knows_thoughts(prompt: &Prompt, provider: ProviderName, model: &str) -> bool {
    prompt.tools.rounds.iter().all(|round| thoughts(round, provider, model).is_some())
}

fn thoughts<'a>(round: &'a ToolRound, provider: ProviderName, model: &str) -> Option<&'a [Value]> {
    round.thinking.as_ref()?.blocks_of(provider, model)
}

/// Returns the messages of the rounds: what the model said with its calls, and all results in one.
///
/// The provider caches everything before the last result for the next round, if there may be one.
pub(super) fn rounds(
    prompt: &Prompt,
    provider: ProviderName,
    model: &str,
) -> Vec<(&'static str, Vec<Value>)> {
    let tools = &prompt.tools;
    let with_thoughts = knows_thoughts(prompt, provider, model);
    let mut messages = Vec::new();
    for round in &tools.rounds {
        let thoughts = thoughts(round, provider, model).filter(|_| with_thoughts);
        let text = Some(round.text.as_str()).filter(|text| !text.trim().is_empty());
        let said = thoughts.unwrap_or_default().iter().cloned();
        let said = said.chain(text.map(|text| json!({ "type": "text", "text": text })));
        messages.push(("assistant", said.chain(round.calls.iter().map(asked)).collect()));
        messages.push(("user", round.calls.iter().map(result).collect()));
    }
    let last =
        messages.last_mut().and_then(|(_, results): &mut (_, Vec<Value>)| results.last_mut());
    if let Some(last) = last.filter(|_| prompt.caching.is_some() && !tools.answer_only) {
        last["cache_control"] = json!({ "type": "ephemeral" });
    }
    messages
}

fn asked(call: &RoundCall) -> Value {
    // The journal keeps objects only; anything else would make the provider refuse the request.
    let input: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
    json!({ "type": "tool_use", "id": call.id, "name": call.name.as_str(), "input": input })
}

fn result(call: &RoundCall) -> Value {
    let mut block = json!({ "type": "tool_result", "tool_use_id": call.id });
    // The API rejects blocks without text.
    if !call.result.text.trim().is_empty() {
        block["content"] = json!(call.result.text);
    }
    if call.result.is_error {
        block["is_error"] = json!(true);
    }
    block
}
