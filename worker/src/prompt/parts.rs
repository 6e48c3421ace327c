//! What a prompt is put together from.

use std::borrow::Cow;

use shared::domain::{ContextUse, Principal};
use shared::ports::{ChatMessage, Document, Prompt, PromptCaching, Role};

use super::{Template, Told, without_invisible};
use crate::config::WorkerConfig;

/// How many groups the speakers are divided into, for the providers' caches.
const CACHE_GROUPS: u8 = 16;

/// What a prompt is put together from, beside the settings.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    /// Who asks.
    pub reader: &'a Principal,
    /// The question.
    pub message: &'a str,
    /// What was said before it, oldest first.
    pub history: Vec<ChatMessage>,
    /// Whether the session's next prompt will begin with all of this one.
    pub goes_on: bool,
    /// The document.
    pub document: Option<Document>,
    /// What became of the document.
    pub context: ContextUse,
    /// The instructions in place of the built-in ones.
    pub instructions: Option<&'a str>,
    /// The model in place of the configured one.
    pub model: Option<String>,
}

impl<'a> Parts<'a> {
    /// Begins with a question alone: the first of a session that never goes on.
    pub fn first(reader: &'a Principal, message: &'a str) -> Self {
        let document = None;
        let context = ContextUse::None;
        let instructions = None;
        let model = None;
        Self {
            reader,
            message,
            history: Vec::new(),
            goes_on: false,
            document,
            context,
            instructions,
            model,
        }
    }

    /// Puts them together; what people wrote loses what nobody can see.
    pub fn prompt(
        self,
        template: &Template,
        config: &WorkerConfig,
    ) -> Result<Prompt, minijinja::Error> {
        let Self { reader, message, history, goes_on, document, context, instructions, model } =
            self;
        let told = Told {
            instructions,
            document: document.as_ref(),
            context,
            max_tokens: config.document_tokens,
        };
        let system = template.system(told)?;
        let group = reader.hash().as_str().bytes().next().unwrap_or(0) % CACHE_GROUPS;
        let caching =
            config.prompt_caching.then_some(PromptCaching { group, conversation: goes_on });
        let mut messages = history;
        messages.push(ChatMessage { role: Role::User, text: message.to_owned() });
        for message in &mut messages {
            if let Cow::Owned(clean) = without_invisible(&message.text) {
                message.text =
                    if clean.is_empty() { "(nothing visible)".to_owned() } else { clean };
            }
        }
        Ok(Prompt { system, messages, document, max_tokens: config.max_tokens, model, caching })
    }
}
