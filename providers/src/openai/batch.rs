//! Requests and replies of Chat Completions in batches: without streaming.

use serde::Deserialize;
use serde_json::Value;
use shared::ports::Prompt;

use super::chunks::{Used, reason};
use super::request::Request;
use super::thinking::ThinkingFilter;
use crate::lenient::Content;
use crate::{BatchReply, OpenAiSettings};

/// Returns the body of a request without streaming.
pub fn batch_request(settings: &OpenAiSettings, prompt: &Prompt) -> Option<Value> {
    serde_json::to_value(Request::unstreamed(settings, prompt)).ok()
}

/// Parses a completion; `None` if the JSON is not a completion.
pub fn parse_batch_reply(completion: Value) -> Option<BatchReply> {
    let Completion { model, choices, usage } = serde_json::from_value(completion).ok()?;
    let Choice { message, finish_reason } = choices.into_iter().next()?;
    let refused = message.refusal.as_ref().is_some_and(|text| !text.is_empty());
    let mut filter = ThinkingFilter::default();
    let content = filter.pass(message.content.unwrap_or_default().0);
    let text = [content, filter.end()].into_iter().chain(message.refusal).collect();
    let usage = usage.map(Used::total).unwrap_or_default();
    Some(BatchReply { text, reason: reason(&finish_reason?, refused)?, model, usage })
}

#[derive(Debug, Deserialize)]
struct Completion {
    model: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Used>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Message {
    content: Option<Content>,
    refusal: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::domain::{FinishReason, Usage};

    use super::*;

    #[test]
    fn a_completion_becomes_text_finish_reason_and_usage() {
        let completion = |message: Value| {
            let used = json!({
                "prompt_tokens": 9, "completion_tokens": 4,
                "prompt_tokens_details": { "cached_tokens": 2 }
            });
            let choices = json!([{ "index": 0, "message": message, "finish_reason": "stop" }]);
            json!({
                "object": "chat.completion", "model": "g-1", "choices": choices, "usage": used
            })
        };
        let usage = Usage {
            input_tokens: 9,
            cached_input_tokens: 2,
            cache_write_tokens: 0,
            output_tokens: 4,
        };
        let expected = BatchReply {
            text: "Hi".to_owned(),
            reason: FinishReason::Stop,
            model: Some("g-1".to_owned()),
            usage,
        };
        assert_eq!(
            parse_batch_reply(completion(json!({ "role": "assistant", "content": "Hi" }))),
            Some(expected)
        );
        let refused = parse_batch_reply(completion(
            json!({ "role": "assistant", "content": null, "refusal": "No." }),
        ))
        .unwrap();
        assert_eq!((refused.reason, refused.text.as_str()), (FinishReason::Refusal, "No."));
        assert_eq!(parse_batch_reply(json!({ "error": { "code": "x" } })), None);
    }
}
