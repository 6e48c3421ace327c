//! The chunks of a Chat Completions stream.

use serde::Deserialize;
use serde_json::Value;
use shared::domain::{FinishReason, Usage};
use shared::ports::{Finish, ModelError, ModelEvent, Prompt};
use shared::tools::ToolCall;

use super::batch::parse_batch_reply;
use super::thinking::ThinkingFilter;
use crate::lenient::{self, Content};
use crate::tool_calls::{CallParts, CallPiece, arguments};
use crate::{BatchReply, http_error, sse};

/// Converts chunks, and keeps what is needed at the end of the reply.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    /// Whether tools were offered. If not, calls are ignored.
    offered: bool,
    calls: CallParts,
    model: Option<String>,
    refused: bool,
    finish_reason: Option<String>,
    thinking: ThinkingFilter,
}

impl sse::Decoder for Chunks {
    fn decode(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if data.trim() == "[DONE]" {
            return self.done(events);
        }
        let chunk: Chunk = lenient::parse(data)
            .ok_or_else(|| ModelError::Broken("a chunk that cannot be read".to_owned()))?;
        if let Some(error) = chunk.error {
            return Err(http_error::from_event(&error));
        }
        self.model = chunk.model.filter(|model| !model.is_empty()).or(self.model.take());
        for choice in chunk.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            self.choice(choice, events)?;
        }
        events.extend(chunk.usage.map(|used| ModelEvent::Usage(used.total())));
        Ok(())
    }

    /// Accepts the end of the body after a finish reason: the model has said that it is done, and
    /// some compatible servers omit `[DONE]`.
    fn end(&mut self) -> Option<Finish> {
        let reason = reason(&self.finish_reason.take()?, self.refused)?;
        Some(Finish { reason, model: self.model.take() })
    }

    fn whole(&self, body: Value) -> Option<BatchReply> {
        parse_batch_reply(body)
    }

    fn whole_calls(&self, body: &Value) -> Result<Vec<ToolCall>, ModelError> {
        let calls = body["choices"][0]["message"]["tool_calls"].clone();
        let calls: Vec<CallDelta> = serde_json::from_value(calls).unwrap_or_default();
        let mut parts = CallParts::default();
        for call in calls.into_iter().filter(|_| self.offered) {
            parts.add(call.piece())?;
        }
        parts.take()
    }
}

impl Chunks {
    /// Makes the converter of the reply to a prompt.
    pub(super) fn of(prompt: &Prompt) -> Self {
        Self { offered: !prompt.tools.definitions.is_empty(), ..Self::default() }
    }

    /// Makes the converter of a reply to which tools were offered.
    #[cfg(test)]
    pub(crate) fn offered() -> Self {
        Self { offered: true, ..Self::default() }
    }

    /// Handles `[DONE]`. Without a finish reason it does not mean that the reply is complete:
    /// proxies send it after failures too.
    fn done(&mut self, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let finish = sse::Decoder::end(self);
        let finish = finish
            .ok_or_else(|| ModelError::Broken("[DONE] without a finish reason".to_owned()))?;
        self.release(events);
        events.push(ModelEvent::Finished(finish));
        Ok(())
    }

    fn choice(&mut self, choice: Choice, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let delta = choice.delta.unwrap_or_default();
        let text = self.thinking.pass(delta.content.unwrap_or_default().0);
        let refusal = delta.refusal.filter(|text| !text.is_empty());
        self.refused |= refusal.is_some();
        let texts = [Some(text).filter(|text| !text.is_empty()), refusal];
        events.extend(texts.into_iter().flatten().map(ModelEvent::Delta));
        for call in delta.tool_calls.into_iter().flatten().filter(|_| self.offered) {
            self.calls.add(call.piece())?;
        }
        // An empty reason is none: some servers send it with every chunk.
        if let Some(finish_reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            let Some(reason) = reason(&finish_reason, self.refused) else {
                let name: String = finish_reason
                    .chars()
                    .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .take(64)
                    .collect();
                return Err(ModelError::Broken(format!("the reply broke off: {name}")));
            };
            self.release(events);
            if reason == FinishReason::Stop {
                self.calls.finish(events)?;
            }
            self.finish_reason = Some(finish_reason);
        }
        Ok(())
    }

    /// Adds what the filter held back, at the end of the reply.
    fn release(&mut self, events: &mut Vec<ModelEvent>) {
        let held = self.thinking.end();
        events.extend(Some(held).filter(|text| !text.is_empty()).map(ModelEvent::Delta));
    }
}

/// Converts a finish reason; `None` for one that does not say that the reply is complete, such as
/// `error` or `insufficient_system_resource`.
///
/// After `tool_calls` and `function_call` the reply goes on with the results of the calls; some
/// compatible servers send calls and say `stop`.
pub(super) fn reason(finish_reason: &str, refused: bool) -> Option<FinishReason> {
    Some(match finish_reason {
        "content_filter" => FinishReason::ContentFilter,
        "length" | "max_tokens" | "model_length" if !refused => FinishReason::Length,
        _ if refused => FinishReason::Refusal,
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" | "tool_calls"
        | "function_call" => FinishReason::Stop,
        _ => return None,
    })
}

#[derive(Debug, Deserialize)]
struct Chunk {
    error: Option<Value>,
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    #[serde(default, deserialize_with = "lenient::or_absent")]
    usage: Option<Used>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    content: Option<Content>,
    refusal: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_absent")]
    tool_calls: Option<Vec<CallDelta>>,
}

/// A call or a piece of it.
#[derive(Debug, Deserialize)]
struct CallDelta {
    #[serde(default, deserialize_with = "lenient::count")]
    index: Option<u64>,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    function: FunctionDelta,
}

#[derive(Debug, Default, Deserialize)]
struct FunctionDelta {
    name: Option<String>,
    #[serde(default)]
    arguments: Value,
}

impl CallDelta {
    fn piece(self) -> CallPiece {
        CallPiece {
            index: self.index,
            id: arguments(&self.id),
            name: self.function.name.unwrap_or_default(),
            arguments: arguments(&self.function.arguments),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Used {
    #[serde(default, deserialize_with = "lenient::count")]
    prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    completion_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::or_absent")]
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    #[serde(default, deserialize_with = "lenient::count")]
    cached_tokens: Option<u64>,
}

impl Used {
    pub(super) fn total(self) -> Usage {
        let input = self.prompt_tokens.unwrap_or(0);
        let cached = self.prompt_tokens_details.and_then(|details| details.cached_tokens);
        Usage {
            input_tokens: input,
            cached_input_tokens: cached.unwrap_or(0).min(input),
            cache_write_tokens: 0,
            output_tokens: self.completion_tokens.unwrap_or(0),
        }
    }
}
