//! The request of Chat Completions.

use serde::Serialize;
use shared::ports::{Prompt, Role};

use crate::providers::{MaxTokensField, OpenAiSettings};

/// The body of a request.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    stream: bool,
    stream_options: StreamOptions,
    messages: Vec<Message<'a>>,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> Request<'a> {
    /// Makes the request.
    ///
    /// The instructions have the role `system`: every compatible server knows it, and few know `developer`.
    pub(super) fn new(settings: &'a OpenAiSettings, prompt: &'a Prompt) -> Self {
        let system = Some(Message { role: "system", content: &prompt.system });
        let system = system.filter(|message| !message.content.trim().is_empty());
        let messages = prompt.messages.iter();
        let messages = messages.map(|message| Message { role: role(message.role), content: &message.text });
        let limit = |field| (settings.max_tokens_field == field).then_some(prompt.max_tokens);
        Self {
            model: prompt.model_or(&settings.model),
            max_completion_tokens: limit(MaxTokensField::MaxCompletionTokens),
            max_tokens: limit(MaxTokensField::MaxTokens),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            messages: system.into_iter().chain(messages).collect(),
        }
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
