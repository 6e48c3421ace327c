//! `OpenAI` Chat Completions, as its clients see them.

use bytes::Bytes;
use serde_json::{Value, json};

use super::behaviour::{Failure, Finish, Reply, ToolCall};
use super::call::Call;
use super::frames::{Frames, RequestTraits, event};
use super::tools;

/// Refuses what the service would refuse.
pub(super) fn check(call: &Call) -> Result<(), Failure> {
    let key = call.header("authorization").strip_prefix("Bearer ");
    if key.is_none_or(str::is_empty) {
        return Err(Failure::because(401, "no API key was provided"));
    }
    call.check_common()?;
    let limits = ["max_tokens", "max_completion_tokens"].map(|field| &call.body[field]);
    if limits.iter().all(|limit| !limit.is_null()) {
        return bad("max_tokens and max_completion_tokens cannot both be set");
    }
    if limits.iter().any(|limit| !limit.is_null() && limit.as_u64().is_none_or(|most| most == 0)) {
        return bad("max_completion_tokens: a positive integer is required");
    }
    let mut messages = call.body["messages"].as_array().into_iter().flatten();
    let known = |role: &Value| {
        ["system", "developer", "user", "assistant", "tool"].iter().any(|name| role == name)
    };
    match messages.find(|message| !known(&message["role"])) {
        Some(message) => bad(&format!("messages: unexpected role {}", message["role"])),
        None => tools::check_openai(call),
    }
}

fn bad(message: &str) -> Result<(), Failure> {
    Err(Failure::because(400, message))
}

/// Returns the chunks of a reply.
pub(super) fn frames(reply: &Reply, request: &RequestTraits) -> Frames {
    let content = if reply.finish == Finish::Refusal { "refusal" } else { "content" };
    let piece = |text: &String| chunk(request, &json!({content: text}), &Value::Null);
    let calls = (0..).zip(&reply.calls).flat_map(|(index, call)| tool_call(index, call));
    let calls = calls.map(|call| chunk(request, &json!({"tool_calls": [call]}), &Value::Null));
    let mut closing: Vec<_> = calls.collect();
    closing.push(chunk(request, &json!({}), &json!(finish(reply))));
    if request.usage {
        closing.push(usage(reply, request));
    }
    closing.push(Bytes::from_static(b"data: [DONE]\n\n"));
    Frames {
        opening: vec![
            // Compatible servers send comments to keep the connection open.
            Bytes::from_static(b": keep-alive\n\n"),
            chunk(
                request,
                &json!({"role": "assistant", "content": "", "refusal": null}),
                &Value::Null,
            ),
        ],
        pieces: reply.pieces.iter().map(piece).collect(),
        closing,
    }
}

/// Returns the chunk that ends a stream which failed after its 200.
pub(super) fn error_event() -> Bytes {
    let error = json!({"message": "the server had an \
        error", "type": "server_error", "param": null, "code": null});
    event(None, &json!({"error": error}))
}

/// Returns the body of an HTTP error.
pub(super) fn error_body(failure: &Failure) -> Value {
    let (kind, code) = kind(failure);
    json!({"error": {"message": failure.message, "type": kind, "param": null, "code": code}})
}

fn chunk(request: &RequestTraits, delta: &Value, finish: &Value) -> Bytes {
    let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
    envelope(request, &json!([choice]), &Value::Null)
}

fn usage(reply: &Reply, request: &RequestTraits) -> Bytes {
    let usage = reply.usage;
    let prompt = usage.input + usage.cache_read + usage.cache_write;
    let counted = json!({
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": 0},
    });
    envelope(request, &json!([]), &counted)
}

fn envelope(request: &RequestTraits, choices: &Value, usage: &Value) -> Bytes {
    let mut chunk = json!({
        "id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 1_790_000_000,
        "model": request.model, "system_fingerprint": null, "choices": choices,
    });
    // The field is there, and null until the end, only for who asked for usage.
    if request.usage {
        chunk["usage"] = usage.clone();
    }
    event(None, &chunk)
}

fn tool_call(index: u8, call: &ToolCall) -> Vec<Value> {
    let function = json!({"name": call.name, "arguments": ""});
    let id = format!("call_stub{index}");
    let first = json!({"index": index, "id": id, "type": "function", "function": function});
    let piece = |json: &str| json!({"index": index, "function": {"arguments": json}});
    let (head, rest) = call.arguments.split_at(call.arguments.floor_char_boundary(5));
    vec![first, piece(head), piece(rest)]
}

fn finish(reply: &Reply) -> &'static str {
    match reply.finish {
        Finish::Stop if !reply.calls.is_empty() => "tool_calls",
        Finish::Stop | Finish::Refusal => "stop",
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
    }
}

fn kind(failure: &Failure) -> (&'static str, Option<&'static str>) {
    match (failure.status, failure.code) {
        (_, Some("insufficient_quota")) => ("insufficient_quota", failure.code),
        (_, Some(_)) => ("invalid_request_error", failure.code),
        (401, None) => ("invalid_request_error", Some("invalid_api_key")),
        (429, None) => ("requests", Some("rate_limit_exceeded")),
        (400..500, None) => ("invalid_request_error", None),
        _ => ("server_error", None),
    }
}
