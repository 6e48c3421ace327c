//! The chunks of a Chat Completions stream.

use serde::Deserialize;
use serde_json::Value;
use shared::domain::{FinishReason, Usage};
use shared::ports::{Finish, ModelError, ModelEvent};

use crate::{http_error, sse};

/// Converts chunks, and keeps what is needed at the end of the reply.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    model: Option<String>,
    refused: bool,
    finish_reason: Option<String>,
}

impl sse::Decoder for Chunks {
    fn decode(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if data.trim() == "[DONE]" {
            return self.done(events);
        }
        let chunk: Chunk = serde_json::from_str(data)
            .map_err(|_| ModelError::Broken("a chunk that cannot be read".to_owned()))?;
        if let Some(error) = chunk.error {
            return Err(http_error::from_event(&error));
        }
        self.model = chunk.model.filter(|model| !model.is_empty()).or(self.model.take());
        for choice in chunk.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            self.choice(choice, events);
        }
        events.extend(chunk.usage.map(|used| ModelEvent::Usage(used.total())));
        Ok(())
    }

    /// Accepts the end of the body after a finish reason: the model has said that it is done, and
    /// some compatible servers omit `[DONE]`.
    fn end(&mut self) -> Option<Finish> {
        let reason = reason(&self.finish_reason.take()?, self.refused);
        Some(Finish { reason, model: self.model.take() })
    }
}

impl Chunks {
    /// Handles `[DONE]`. Without a finish reason it does not mean that the reply is complete:
    /// proxies send it after failures too.
    fn done(&mut self, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let finish = sse::Decoder::end(self);
        let finish = finish
            .ok_or_else(|| ModelError::Broken("[DONE] without a finish reason".to_owned()))?;
        events.push(ModelEvent::Finished(finish));
        Ok(())
    }

    fn choice(&mut self, choice: Choice, events: &mut Vec<ModelEvent>) {
        let delta = choice.delta.unwrap_or_default();
        let refusal = delta.refusal.filter(|text| !text.is_empty());
        self.refused |= refusal.is_some();
        let texts = [delta.content.filter(|text| !text.is_empty()), refusal];
        events.extend(texts.into_iter().flatten().map(ModelEvent::Delta));
        self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
    }
}

/// Converts a finish reason.
///
/// `tool_calls` and `function_call` occur only with tools, which are never sent. Like unknown
/// reasons, they count as a normal end.
pub(super) fn reason(finish_reason: &str, refused: bool) -> FinishReason {
    match finish_reason {
        "content_filter" => FinishReason::ContentFilter,
        _ if refused => FinishReason::Refusal,
        "length" => FinishReason::Length,
        _ => FinishReason::Stop,
    }
}

#[derive(Debug, Deserialize)]
struct Chunk {
    error: Option<Value>,
    model: Option<String>,
    choices: Option<Vec<Choice>>,
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
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Used {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
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
