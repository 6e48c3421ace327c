//! The Claude Messages API, as its clients see it.

use bytes::Bytes;
use serde_json::{Value, json};

use super::behaviour::{Failure, Finish, Reply, ToolCall};
use super::call::Call;
use super::frames::{Frames, RequestTraits, event};
use super::tools;

const VERSIONS: [&str; 2] = ["2026-10-21", "2023-06-01"];

/// Refuses what the service would refuse.
pub(super) fn check(call: &Call) -> Result<(), Failure> {
    if call.header("x-api-key").is_empty() {
        return Err(Failure::because(401, "x-api-key header is required"));
    }
    let version = call.header("anthropic-version");
    if !VERSIONS.contains(&version) {
        return bad(&format!("anthropic-version: {version:?} is not a valid version"));
    }
    call.check_common()?;
    if call.body["max_tokens"].as_u64().is_none_or(|most| most == 0) {
        return bad("max_tokens: a positive integer is required");
    }
    let removed = ["temperature", "top_p", "top_k"];
    let sampled = removed.iter().find(|field| call.body.get(**field).is_some());
    match sampled {
        Some(field) if version == VERSIONS[0] => {
            bad(&format!("{field}: extra inputs are not permitted"))
        }
        _ => check_messages(call).and_then(|()| tools::check_claude(call)),
    }
}

fn check_messages(call: &Call) -> Result<(), Failure> {
    let roles =
        call.body["messages"].as_array().into_iter().flatten().map(|message| &message["role"]);
    if let Some(role) = roles.into_iter().find(|role| *role != "user" && *role != "assistant") {
        return bad(&format!("messages: unexpected role {role}"));
    }
    let bodies = call.body["messages"].as_array().into_iter().flatten();
    let mut texts = bodies.filter(|message| !tools::is_claude_message(message)).zip(&call.messages);
    if texts.any(|(_, message)| message.text.trim().is_empty()) {
        return bad("messages: text content blocks must be non-empty");
    }
    if call.messages.first().is_none_or(|message| message.role != "user") {
        return bad("messages: first message must use the user role");
    }
    if call.messages.last().is_none_or(|message| message.role != "user") {
        return bad("messages: the conversation must end with a user message");
    }
    Ok(())
}

fn bad(message: &str) -> Result<(), Failure> {
    Err(Failure::because(400, message))
}

/// Returns the events of a reply.
pub(super) fn frames(reply: &Reply, request: &RequestTraits) -> Frames {
    let mut opening = vec![start(reply, request), named(json!({"type": "ping"}))];
    let index = u8::from(reply.thinking);
    if reply.thinking {
        opening.extend(thinking());
    }
    let mut closing = Vec::new();
    if !reply.pieces.is_empty() {
        let block = json!({"type": "text", "text": ""});
        opening.push(named(
            json!({"type": "content_block_start", "index": index, "content_block": block}),
        ));
        closing.extend(reply.citations.iter().map(|(place, words)| citation(index, *place, words)));
        closing.push(named(json!({"type": "content_block_stop", "index": index})));
    }
    let first = index + u8::from(!reply.pieces.is_empty());
    closing.extend((first..).zip(&reply.calls).flat_map(|(index, call)| tool_use(index, call)));
    // Clients must skip types that they do not know.
    opening
        .push(named(json!({"type": "stub_notice", "notice": {"text": "not a part of the reply"}})));
    closing.push(end(reply));
    closing.push(named(json!({"type": "message_stop"})));
    let pieces =
        reply.pieces.iter().map(|text| delta(index, json!({"type": "text_delta", "text": text})));
    Frames { opening, pieces: pieces.collect(), closing }
}

/// Returns the event that ends a stream which failed after its 200.
pub(super) fn error_event() -> Bytes {
    named(json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}))
}

/// Returns the body of an HTTP error.
pub(super) fn error_body(failure: &Failure) -> Value {
    let mut error = json!({"type": kind(failure.status), "message": failure.message});
    if failure.code == Some("insufficient_quota") {
        error["details"] = json!({"error_code": "enforced_spend_limit_reached"});
    }
    json!({"type": "error", "error": error, "request_id": "req_stub"})
}

fn start(reply: &Reply, request: &RequestTraits) -> Bytes {
    let usage = json!({
        "input_tokens": reply.usage.input,
        "cache_creation_input_tokens": reply.usage.cache_write,
        "cache_read_input_tokens": reply.usage.cache_read,
        "output_tokens": 1,
    });
    let message = json!({
        "id": "msg_stub", "type": "message", "role": "assistant", "model": request.model,
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    named(json!({"type": "message_start", "message": message}))
}

fn thinking() -> [Bytes; 4] {
    let block = json!({"type": "thinking", "thinking": "", "signature": ""});
    [
        named(json!({"type": "content_block_start", "index": 0, "content_block": block})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Nobody may read this thought."})),
        delta(0, json!({"type": "signature_delta", "signature": "c3R1Yg=="})),
        named(json!({"type": "content_block_stop", "index": 0})),
    ]
}

fn citation(index: u8, place: u32, words: &str) -> Bytes {
    let citation = json!({
        "type": "search_result_location", "cited_text": words, "source": "source",
        "title": "Title", "search_result_index": place, "start_block_index": 0,
        "end_block_index": 1,
    });
    delta(index, json!({"type": "citations_delta", "citation": citation}))
}

fn tool_use(index: u8, call: &ToolCall) -> Vec<Bytes> {
    let id = format!("toolu_stub{index}");
    let block = json!({"type": "tool_use", "id": id, "name": call.name, "input": {}});
    let start = json!({"type": "content_block_start", "index": index, "content_block": block});
    let piece =
        |json: &str| delta(index, json!({"type": "input_json_delta", "partial_json": json}));
    // The service begins with an empty piece, and cuts wherever it likes.
    let (head, rest) = call.arguments.split_at(call.arguments.floor_char_boundary(5));
    let pieces = ["", head, rest].map(piece);
    let stop = named(json!({"type": "content_block_stop", "index": index}));
    [named(start)].into_iter().chain(pieces).chain([stop]).collect()
}

fn end(reply: &Reply) -> Bytes {
    let reason = match reply.finish {
        Finish::Stop if !reply.calls.is_empty() => "tool_use",
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Refusal | Finish::ContentFilter => "refusal",
    };
    let usage = json!({
        "input_tokens": reply.usage.input,
        "cache_creation_input_tokens": reply.usage.cache_write,
        "cache_read_input_tokens": reply.usage.cache_read,
        "output_tokens": reply.usage.output,
    });
    let delta = json!({"stop_reason": reason, "stop_sequence": null});
    named(json!({"type": "message_delta", "delta": delta, "usage": usage}))
}

#[expect(clippy::needless_pass_by_value, reason = "every caller makes the value for this call")]
fn delta(index: u8, delta: Value) -> Bytes {
    named(json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

#[expect(clippy::needless_pass_by_value, reason = "every caller makes the value for this call")]
fn named(data: Value) -> Bytes {
    event(data["type"].as_str(), &data)
}

fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..500 => "invalid_request_error",
        _ => "api_error",
    }
}
