//! The events of the Messages API.

use serde::Deserialize;
use serde_json::Value;
use shared::domain::{FinishReason, Usage};
use shared::ports::{Finish, ModelError, ModelEvent};

use super::batch::parse_batch_reply;
use crate::{BatchReply, http_error, lenient, sse};

/// Converts events, and keeps what is needed at the end of the reply.
#[derive(Debug, Default)]
pub(crate) struct Events {
    model: Option<String>,
    used: Used,
    stop_reason: Option<String>,
}

impl sse::Decoder for Events {
    fn decode(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let event = lenient::parse(data);
        match event.ok_or_else(|| ModelError::Broken("an event that cannot be read".to_owned()))? {
            Event::MessageStart { message } => {
                self.model = message.model;
                events.extend(self.usage(message.usage));
            }
            Event::ContentBlockStart { content_block: Block::Text { text } }
            | Event::ContentBlockDelta { delta: BlockDelta::TextDelta { text } } => {
                events.extend((!text.is_empty()).then_some(ModelEvent::Delta(text)));
            }
            Event::MessageDelta { delta, usage } => {
                self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
                events.extend(self.usage(usage));
            }
            Event::MessageStop => events.push(ModelEvent::Finished(self.finish())),
            Event::Error { error } => return Err(http_error::from_event(&error)),
            Event::Ping
            | Event::ContentBlockDelta { .. }
            | Event::ContentBlockStart { .. }
            | Event::Other => {}
        }
        Ok(())
    }

    /// Accepts no end but `message_stop`, which the service always sends.
    fn end(&mut self) -> Option<Finish> {
        None
    }

    fn whole(&self, body: Value) -> Option<BatchReply> {
        parse_batch_reply(body)
    }
}

impl Events {
    /// Takes the latest counts. They are cumulative, so each count that is present replaces the
    /// previous one.
    fn usage(&mut self, latest: Option<Used>) -> Option<ModelEvent> {
        self.used = self.used.replaced_by(latest?);
        Some(ModelEvent::Usage(self.used.total()))
    }

    fn finish(&mut self) -> Finish {
        Finish { reason: reason(self.stop_reason.as_deref()), model: self.model.take() }
    }
}

/// Converts a stop reason.
///
/// `tool_use` and `pause_turn` occur only with tools, which are never sent. Like unknown reasons,
/// they count as a normal end.
pub(super) fn reason(stop_reason: Option<&str>) -> FinishReason {
    match stop_reason {
        Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
        Some("refusal") => FinishReason::Refusal,
        _ => FinishReason::Stop,
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Message,
    },
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: BlockDelta,
    },
    MessageDelta {
        delta: MessageDelta,
        #[serde(default, deserialize_with = "lenient::or_absent")]
        usage: Option<Used>,
    },
    MessageStop,
    Ping,
    Error {
        error: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct Message {
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_absent")]
    usage: Option<Used>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockDelta {
    TextDelta {
        text: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct MessageDelta {
    stop_reason: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the API's own names")]
pub(super) struct Used {
    #[serde(default, deserialize_with = "lenient::count")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_read_input_tokens: Option<u64>,
}

impl Used {
    fn replaced_by(self, latest: Self) -> Self {
        Self {
            input_tokens: latest.input_tokens.or(self.input_tokens),
            output_tokens: latest.output_tokens.or(self.output_tokens),
            cache_creation_input_tokens: latest
                .cache_creation_input_tokens
                .or(self.cache_creation_input_tokens),
            cache_read_input_tokens: latest
                .cache_read_input_tokens
                .or(self.cache_read_input_tokens),
        }
    }

    /// Adds up the input: the API counts only the uncached part as `input_tokens`.
    pub(super) fn total(self) -> Usage {
        let write = self.cache_creation_input_tokens.unwrap_or(0);
        let read = self.cache_read_input_tokens.unwrap_or(0);
        Usage {
            input_tokens: self.input_tokens.unwrap_or(0).saturating_add(write).saturating_add(read),
            cached_input_tokens: read,
            cache_write_tokens: write,
            output_tokens: self.output_tokens.unwrap_or(0),
        }
    }
}
