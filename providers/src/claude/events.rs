//! The events of the Messages API.

use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::{FinishReason, ProviderName, Usage};
use shared::ports::{Finish, ModelCitation, ModelError, ModelEvent, Prompt};
use shared::tools::{Thinking, ToolCall};

use super::batch::parse_batch_reply;
use super::passages;
use super::thoughts::Thoughts;
use crate::tool_calls::{CallParts, CallPiece, arguments};
use crate::{BatchReply, http_error, lenient, sse};

/// Converts events, and keeps what is needed at the end of the reply.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// Who was asked, if tools were offered. If not, calls are ignored.
    asked: Option<(ProviderName, String)>,
    calls: CallParts,
    thoughts: Thoughts,
    model: Option<String>,
    used: Used,
    stop_reason: Option<String>,
    /// What supports the text of the block that is being read.
    citations: Vec<ModelCitation>,
}

impl sse::Decoder for Events {
    fn decode(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let event = lenient::parse(data);
        match event.ok_or_else(|| ModelError::Broken("an event that cannot be read".to_owned()))? {
            Event::MessageStart { message } => {
                self.model = message.model;
                events.extend(self.usage(message.usage));
            }
            Event::ContentBlockStart { index, content_block } => {
                if let Some(text) =
                    content_block["text"].as_str().filter(|_| content_block["type"] == "text")
                {
                    events.extend(delta(text.to_owned()));
                }
                self.begin(index, content_block)?;
            }
            Event::ContentBlockDelta { delta: BlockDelta::TextDelta { text }, .. } => {
                events.extend(delta(text));
            }
            Event::ContentBlockDelta {
                index,
                delta: BlockDelta::InputJsonDelta { partial_json },
            } if self.asked.is_some() => {
                let piece = CallPiece { index, arguments: partial_json, ..CallPiece::default() };
                self.calls.add(piece)?;
            }
            Event::ContentBlockDelta { delta: BlockDelta::ThinkingDelta { thinking }, .. } => {
                self.thoughts.append("thinking", &thinking);
            }
            Event::ContentBlockDelta {
                delta: BlockDelta::SignatureDelta { signature }, ..
            } => {
                self.thoughts.append("signature", &signature);
            }
            Event::ContentBlockDelta { delta: BlockDelta::CitationsDelta { citation }, .. } => {
                self.citations.extend(passages::citation(&citation));
            }
            // Citations may come before the text of their block, and stand behind it.
            Event::ContentBlockStop => self.cite(events),
            Event::MessageDelta { delta, usage } => {
                self.cite(events);
                self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
                events.extend(self.usage(usage));
            }
            Event::MessageStop => {
                let finish = self.finish();
                if finish.reason == FinishReason::Stop {
                    self.ask(events)?;
                }
                events.push(ModelEvent::Finished(finish));
            }
            Event::Error { error } => return Err(http_error::from_event(&error)),
            Event::Ping | Event::ContentBlockDelta { .. } | Event::Other => {}
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

    fn whole_calls(&self, body: &Value) -> Result<Vec<ToolCall>, ModelError> {
        let mut whole = CallParts::default();
        let blocks = body["content"].as_array().into_iter().flatten();
        for (block, place) in blocks.zip(0..).filter(|_| self.asked.is_some()) {
            whole.add_block(Some(place), block)?;
        }
        whole.take()
    }
}

fn delta(text: String) -> Option<ModelEvent> {
    (!text.is_empty()).then_some(ModelEvent::Delta(text))
}

impl CallParts {
    /// Begins a call if the block is one.
    fn add_block(&mut self, index: Option<u64>, block: &Value) -> Result<(), ModelError> {
        if block["type"] != "tool_use" {
            return Ok(());
        }
        // A stream gives the input in pieces, after an empty object that stands for it.
        let input = Some(&block["input"]).filter(|input| **input != json!({}));
        let text = |field: &str| block[field].as_str().unwrap_or_default().to_owned();
        self.add(CallPiece {
            index,
            id: text("id"),
            name: text("name"),
            arguments: input.map(arguments).unwrap_or_default(),
        })
    }
}

impl Events {
    /// Makes the converter of the reply to a prompt.
    pub(crate) fn of(prompt: &Prompt, provider: ProviderName, model: &str) -> Self {
        let offered = !prompt.tools.definitions.is_empty();
        Self { asked: offered.then(|| (provider, model.to_owned())), ..Self::default() }
    }

    fn cite(&mut self, events: &mut Vec<ModelEvent>) {
        events.extend(self.citations.drain(..).map(ModelEvent::Citation));
    }

    /// Begins a block that is no text.
    fn begin(&mut self, index: Option<u64>, block: Value) -> Result<(), ModelError> {
        if self.asked.is_some() {
            self.calls.add_block(index, &block)?;
            self.thoughts.begin(block);
        }
        Ok(())
    }

    /// Hands over the calls, and before them what the model thought: also if that is nothing, for
    /// then it is known.
    fn ask(&mut self, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let Some((provider, model)) = self.asked.take().filter(|_| !self.calls.is_empty()) else {
            return Ok(());
        };
        let blocks = self.thoughts.take();
        events.extend(
            blocks.map(|blocks| ModelEvent::Thinking(Thinking { provider, model, blocks })),
        );
        self.calls.finish(events)
    }

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
/// After `tool_use` the reply goes on with the results of the calls; `pause_turn` occurs only with
/// the provider's own tools, which are never offered. Like unknown reasons, they count as a normal
/// end.
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
        #[serde(default, deserialize_with = "lenient::count")]
        index: Option<u64>,
        content_block: Value,
    },
    ContentBlockDelta {
        #[serde(default, deserialize_with = "lenient::count")]
        index: Option<u64>,
        delta: BlockDelta,
    },
    ContentBlockStop,
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
enum BlockDelta {
    TextDelta {
        text: String,
    },
    InputJsonDelta {
        partial_json: String,
    },
    ThinkingDelta {
        thinking: String,
    },
    SignatureDelta {
        signature: String,
    },
    CitationsDelta {
        #[serde(default)]
        citation: Value,
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
