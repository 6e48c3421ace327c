//! Requests and replies of the Messages API in batches: without streaming.

use serde::Deserialize;
use serde_json::Value;
use shared::ports::Prompt;

use super::Request;
use super::events::{Used, reason};
use crate::{BatchReply, ClaudeSettings};

/// Returns the body of a request without streaming.
pub fn batch_request(settings: &ClaudeSettings, prompt: &Prompt) -> Option<Value> {
    let model = prompt.model_or(&settings.model);
    serde_json::to_value(Request::unstreamed(model, settings.effort, prompt)).ok()
}

/// Parses a message; `None` if the JSON is not a message.
pub fn parse_batch_reply(message: Value) -> Option<BatchReply> {
    let Message { model, content, stop_reason, usage } = serde_json::from_value(message).ok()?;
    let texts = content.into_iter().filter_map(|block| block.text);
    Some(BatchReply {
        text: texts.collect(),
        reason: reason(stop_reason.as_deref()),
        model,
        usage: usage.total(),
    })
}

#[derive(Debug, Deserialize)]
struct Message {
    model: Option<String>,
    content: Vec<Block>,
    stop_reason: Option<String>,
    usage: Used,
}

/// A block of the reply. Only text blocks have a text.
#[derive(Debug, Deserialize)]
struct Block {
    text: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::domain::{FinishReason, Usage};

    use super::*;

    #[test]
    fn a_message_becomes_text_finish_reason_and_usage() {
        let message = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m-1",
            "stop_reason": "max_tokens",
            "content": [{ "type": "thinking", "thinking": "…" }, { "type": "text", "text": "One, \
                " }, { "type": "text", "text": "two" }],
            "usage": { "input_tokens": 7, "output_tokens": 3, "cache_read_input_tokens": 5 },
        });
        let usage = Usage {
            input_tokens: 12,
            cached_input_tokens: 5,
            cache_write_tokens: 0,
            output_tokens: 3,
        };
        let expected = BatchReply {
            text: "One, two".to_owned(),
            reason: FinishReason::Length,
            model: Some("m-1".to_owned()),
            usage,
        };
        assert_eq!(parse_batch_reply(message), Some(expected));
        assert_eq!(parse_batch_reply(json!({ "type": "error" })), None);
    }
}
