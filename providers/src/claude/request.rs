//! The request of the Messages API.

use serde::Serialize;
use serde_json::Value;
use shared::domain::ProviderName;
use shared::ports::{Prompt, Role};

use super::{passages, tools};
use crate::Effort;

/// The only version of the API that Bedrock offers.
const BEDROCK_VERSION: &str = "bedrock-2023-05-31";

/// The body of a request. It has no sampling fields: the current version of the API rejects them.
#[derive(Debug, Serialize)]
pub(crate) struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anthropic_version: Option<&'static str>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<[TextBlock<'a>; 1]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    messages: Vec<Message<'a>>,
}

/// Today's models think unless they are told not to; how much is said by `output_config`.
#[derive(Debug, Serialize)]
struct Thinking {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug, Serialize)]
struct OutputConfig {
    effort: &'static str,
}

#[derive(Debug, Serialize)]
struct TextBlock<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Debug, Serialize)]
struct CacheControl {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Blocks([TextBlock<'a>; 1]),
    Values(Vec<Value>),
}

impl<'a> Request<'a> {
    /// Makes the request.
    ///
    /// The provider caches everything before a `cache_control` mark for five minutes. There is one
    /// behind the system text, with which every prompt about the same document begins, and one
    /// behind the conversation if the session's next prompt will begin with it. A prefix that is
    /// shorter than the model's minimum is not cached, and costs nothing extra. What was found for
    /// the last message stands behind the second mark, since the next prompt will not have it.
    pub(super) fn new(model: &'a str, effort: Effort, prompt: &'a Prompt) -> Self {
        Self::to(ProviderName::Claude, model, effort, prompt)
    }

    fn to(provider: ProviderName, model: &'a str, effort: Effort, prompt: &'a Prompt) -> Self {
        let keep = |wanted: bool| wanted.then_some(CacheControl { kind: "ephemeral" });
        let block = |text, wanted| TextBlock { kind: "text", text, cache_control: keep(wanted) };
        // The API rejects blocks without text.
        let system = Some(prompt.system.as_str()).filter(|text| !text.trim().is_empty());
        let system = system.map(|text| [block(text, prompt.caching.is_some())]);
        let last = prompt.messages.len();
        let common = if prompt.found.is_some() { last.saturating_sub(1) } else { last };
        let kept = prompt.caching.is_some_and(|caching| caching.conversation).then_some(common);
        let messages = prompt.messages.iter().zip(1..).map(|(message, place)| {
            let text = message.text.as_str();
            let found = prompt.found.as_ref().filter(|_| place == last);
            let content = if let Some(found) = found {
                Content::Values(passages::before(found, text))
            } else if Some(place) == kept {
                Content::Blocks([block(text, true)])
            } else {
                Content::Text(text)
            };
            Message { role: role(message.role), content }
        });
        let rounds = tools::rounds(prompt, provider, model);
        let rounds = rounds
            .into_iter()
            .map(|(role, blocks)| Message { role, content: Content::Values(blocks) });
        let messages = messages.chain(rounds).collect();
        let thinks = tools::knows_thoughts(prompt, provider, model);
        let (thinking, output_config) = thinking(model, if thinks { effort } else { Effort::None });
        let model = Some(model);
        let stream = Some(true);
        Self {
            model,
            anthropic_version: None,
            max_tokens: effort.limit(prompt.max_tokens),
            thinking,
            output_config,
            stream,
            system,
            tools: tools::offered(&prompt.tools),
            tool_choice: tools::choice(&prompt.tools),
            messages,
        }
    }

    /// Makes the request without streaming.
    pub(super) fn unstreamed(model: &'a str, effort: Effort, prompt: &'a Prompt) -> Self {
        Self { stream: None, ..Self::new(model, effort, prompt) }
    }

    /// Makes the request for Bedrock, where the URL says which model and that the reply is
    /// streamed, and the version is in the body.
    pub(crate) fn on_bedrock(model: &'a str, effort: Effort, prompt: &'a Prompt) -> Self {
        Self {
            model: None,
            stream: None,
            anthropic_version: Some(BEDROCK_VERSION),
            ..Self::to(ProviderName::Bedrock, model, effort, prompt)
        }
    }
}

/// Returns how a model is told how much to think.
///
/// Each family takes another form, and rejects those of the others: Haiku 5 can be told not to
/// think; Sonnet 5 and Opus 5 cannot, and think least at effort `low`. Older models think only if
/// asked to, and know no effort; nothing is known of other models. Neither is told anything.
fn thinking(model: &str, effort: Effort) -> (Option<Thinking>, Option<OutputConfig>) {
    let is_of = |family: &str| model.contains(family);
    let haiku = is_of("claude-haiku-5");
    match effort {
        Effort::None if haiku => (Some(Thinking { kind: "disabled" }), None),
        _ if haiku || is_of("claude-sonnet-5") || is_of("claude-opus-5") => {
            let effort = if effort == Effort::None { Effort::Low } else { effort };
            (None, Some(OutputConfig { effort: effort.name() }))
        }
        _ => (None, None),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
