//! The request of Chat Completions.

use serde::Serialize;
use shared::domain::sha256_hex;
use shared::ports::{Prompt, PromptCaching, Role};

use crate::{Effort, MaxTokensField, OpenAiSettings};

/// The body of a request.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<String>,
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
    /// The instructions have the role `system`, which every compatible server knows; few know
    /// `developer`.
    pub(super) fn new(settings: &'a OpenAiSettings, prompt: &'a Prompt) -> Self {
        let system = Some(Message { role: "system", content: &prompt.system });
        let system = system.filter(|message| !message.content.trim().is_empty());
        let messages = prompt.messages.iter();
        let messages =
            messages.map(|message| Message { role: role(message.role), content: &message.text });
        let limit = |field| {
            (settings.max_tokens_field == field).then(|| settings.effort.limit(prompt.max_tokens))
        };
        let model = prompt.model_or(&settings.model);
        let effort = settings.sends_effort.then(|| effort(model, settings.effort)).flatten();
        Self {
            model,
            reasoning_effort: effort,
            max_completion_tokens: limit(MaxTokensField::MaxCompletionTokens),
            max_tokens: limit(MaxTokensField::MaxTokens),
            stream: Some(true),
            stream_options: Some(StreamOptions { include_usage: true }),
            prompt_cache_key: prompt
                .caching
                .filter(|_| settings.cache_key)
                .map(|caching| cache_key(prompt, caching)),
            messages: system.into_iter().chain(messages).collect(),
        }
    }

    /// Makes the request without streaming.
    pub(super) fn unstreamed(settings: &'a OpenAiSettings, prompt: &'a Prompt) -> Self {
        Self { stream: None, stream_options: None, ..Self::new(settings, prompt) }
    }
}

/// Returns the key by which the provider routes the prompt to a machine that has cached its
/// beginning.
///
/// Without a key, all prompts about one document go to one machine until it is busy, and then
/// anywhere. The key spreads them over a few machines, each of which has the document, and keeps
/// every caller on one of them, which then has the conversation too.
/// It reveals no more than the prompt itself, and the group, which does not identify a caller.
fn cache_key(prompt: &Prompt, caching: PromptCaching) -> String {
    format!("{}.{}", &sha256_hex(&prompt.system)[..32], caching.group)
}

/// Returns the value that tells a model how much to think; `None` for `OpenAI`'s families before
/// reasoning, which reject the field.
///
/// The first reasoning models cannot be told not to think: the o series thinks least at `low`, and
/// the first GPT-5 at `minimal`.
fn effort(model: &str, effort: Effort) -> Option<&'static str> {
    let is_any = |families: &[&str]| families.iter().any(|family| model.starts_with(family));
    if is_any(&["gpt-3", "gpt-4", "chatgpt-4"]) {
        return None;
    }
    Some(match effort {
        Effort::None if is_any(&["o1", "o3", "o4"]) => "low",
        Effort::None if model == "gpt-5" || model.starts_with("gpt-5-") => "minimal",
        effort => effort.name(),
    })
}

fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
