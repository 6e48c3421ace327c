//! Tool calls in requests: what they say, and what the services refuse.

use serde_json::Value;

use super::behaviour::{Behaviour, Failure, Reply};
use super::call::{Call, Protocol};

/// Whether a block of a Claude message is a call or a result, which need no text.
pub(super) fn is_claude_message(message: &Value) -> bool {
    blocks(message).any(|block| block["type"] == "tool_use" || block["type"] == "tool_result")
}

/// Returns the results of the calls since the user's last words, in order.
pub(super) fn results(call: &Call) -> Vec<String> {
    let messages = call.body["messages"].as_array().into_iter().flatten();
    let mut results = Vec::new();
    for message in messages {
        match call.protocol {
            Protocol::OpenAi if message["role"] == "tool" => {
                results.push(text(&message["content"]));
            }
            Protocol::Claude if is_claude_message(message) => {
                let found = blocks(message).filter(|block| block["type"] == "tool_result");
                results.extend(found.map(|block| text(&block["content"])));
            }
            _ if message["role"] == "user" => results.clear(),
            _ => (),
        }
    }
    results
}

/// Returns the behaviour of the marker `tool:NAME ARGUMENTS`: the call, and once there is its
/// result, a reply that quotes it.
pub(super) fn behaviour(marker: &str, results: &[String]) -> Behaviour {
    let (name, arguments) = marker.split_once(' ').unwrap_or((marker, "{}"));
    Behaviour::Reply(if results.is_empty() {
        Reply::text("Let me look.").calling(name, arguments)
    } else {
        Reply::text(&format!("The tool says: {}", results.join("\n")))
    })
}

/// Refuses a request to Claude whose calls and results do not belong together.
pub(super) fn check_claude(call: &Call) -> Result<(), Failure> {
    let mut open: Vec<String> = Vec::new();
    for message in call.body["messages"].as_array().into_iter().flatten() {
        let of = |kind: &'static str, id: &'static str| {
            let of_kind = blocks(message).filter(move |block| block["type"] == kind);
            of_kind.map(move |block| text(&block[id])).collect::<Vec<_>>()
        };
        if of("tool_result", "tool_use_id") != open {
            return bad("messages: each tool_use block must have a tool_result block next");
        }
        if blocks(message).any(|block| block["type"] == "tool_use" && !block["input"].is_object()) {
            return bad("messages: tool_use.input: Input should be a valid dictionary");
        }
        open = of("tool_use", "id");
        check_ids(&open, 64)?;
        if !open.is_empty() && call.body["tools"].as_array().is_none_or(Vec::is_empty) {
            return bad("tools: Field required for a conversation with tool_use blocks");
        }
    }
    check_choice(call)
}

/// Refuses a request to `OpenAI` whose calls and results do not belong together.
pub(super) fn check_openai(call: &Call) -> Result<(), Failure> {
    let mut open: Vec<String> = Vec::new();
    for message in call.body["messages"].as_array().into_iter().flatten() {
        let result = text(&message["tool_call_id"]);
        if message["role"] == "tool" {
            let place = open.iter().position(|id| *id == result);
            let Some(place) = place else {
                return bad("messages with role 'tool' must answer a preceding tool call");
            };
            open.remove(place);
            continue;
        }
        if !open.is_empty() {
            return bad("tool_calls must be followed by tool messages for each tool_call_id");
        }
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        open = calls.map(|call| text(&call["id"])).collect();
        check_ids(&open, 40)?;
    }
    check_choice(call)
}

fn check_choice(call: &Call) -> Result<(), Failure> {
    if call.body.get("tool_choice").is_some() && call.body.get("tools").is_none() {
        return bad("tool_choice is only allowed when tools are specified");
    }
    Ok(())
}

fn check_ids(ids: &[String], most: usize) -> Result<(), Failure> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let fits = |id: &String| (1..=most).contains(&id.len()) && id.bytes().all(legal);
    if ids.iter().all(fits) { Ok(()) } else { bad("a tool call's id is not valid") }
}

fn blocks(message: &Value) -> impl Iterator<Item = &Value> {
    message["content"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn bad(message: &str) -> Result<(), Failure> {
    Err(Failure::because(400, message))
}
