//! The request of Chat Completions.

use std::borrow::Cow;

use serde::Serialize;
use shared::domain::sha256_hex;
use shared::ports::{Prompt, PromptCaching, Role};

use super::tools::{self, CallOut, Tool};
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'static str>,
    messages: Vec<Message<'a>>,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    pub(super) role: &'static str,
    pub(super) content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<CallOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_call_id: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// Makes the request.
    ///
    /// The instructions have the role `system`, which every compatible server knows; few know
    /// `developer`.
    pub(super) fn new(settings: &'a OpenAiSettings, prompt: &'a Prompt) -> Self {
        let system = Some(message("system", Cow::Borrowed(&prompt.system)));
        let system = system.filter(|message| !message.content.trim().is_empty());
        let last = prompt.messages.len().saturating_sub(1);
        let messages = prompt.messages.iter().enumerate();
        let messages = messages.map(|(place, said)| {
            let found = prompt.found.as_ref().filter(|_| place == last);
            let content = match found {
                Some(found) => Cow::Owned(format!("{}{}", found.text, said.text)),
                None => Cow::Borrowed(said.text.as_str()),
            };
            message(role(said.role), content)
        });
        let limit = |field| {
            (settings.max_tokens_field == field).then(|| settings.effort.limit(prompt.max_tokens))
        };
        let model = prompt.model_or(&settings.model);
        let offered = !prompt.tools.definitions.is_empty();
        let effort =
            settings.sends_effort.then(|| effort(model, settings.effort, offered)).flatten();
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
            tools: tools::offered(&prompt.tools),
            tool_choice: (offered && prompt.tools.answer_only).then_some("none"),
            messages: (system.into_iter().chain(messages))
                .chain(tools::rounds(&prompt.tools))
                .collect(),
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
/// Those since GPT-6 take tools in Chat Completions only if they do not think.
fn effort(model: &str, effort: Effort, tools: bool) -> Option<&'static str> {
    let is_any = |families: &[&str]| families.iter().any(|family| model.starts_with(family));
    if is_any(&["gpt-3", "gpt-4", "chatgpt-4"]) {
        return None;
    }
    let newest = is_any(&["gpt-"]) && !is_any(&["gpt-5"]);
    let effort = if tools && newest { Effort::None } else { effort };
    Some(match effort {
        Effort::None if is_any(&["o1", "o3", "o4"]) => "low",
        Effort::None if model == "gpt-5" || model.starts_with("gpt-5-") => "minimal",
        effort => effort.name(),
    })
}

fn message<'a>(role: &'static str, content: Cow<'a, str>) -> Message<'a> {
    Message { role, content, tool_calls: Vec::new(), tool_call_id: None }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
