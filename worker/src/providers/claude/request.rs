//! The request of the Messages API.

use serde::Serialize;
use shared::ports::{Prompt, Role};

/// The body of a request, without sampling fields: the present version of the API refuses them.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<[TextBlock<'a>; 1]>,
    messages: Vec<Message<'a>>,
}

#[derive(Debug, Serialize)]
struct TextBlock<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
    cache_control: CacheControl,
}

#[derive(Debug, Serialize)]
struct CacheControl {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> Request<'a> {
    /// Makes the request; the system text, document included, is cached for five minutes by the provider.
    pub(super) fn new(model: &'a str, prompt: &'a Prompt) -> Self {
        let cache_control = CacheControl { kind: "ephemeral" };
        let block = TextBlock { kind: "text", text: &prompt.system, cache_control };
        // The API refuses blocks without text.
        let system = (!prompt.system.trim().is_empty()).then_some([block]);
        let messages = prompt.messages.iter();
        let messages = messages.map(|message| Message { role: role(message.role), content: &message.text }).collect();
        Self { model, max_tokens: prompt.max_tokens, stream: true, system, messages }
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
