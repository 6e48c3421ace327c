//! The parts of a prompt, and how they are combined.

use std::borrow::Cow;

use shared::domain::{ContextUse, Principal};
use shared::ports::{ChatMessage, Document, FoundPassage, Prompt, PromptCaching, Role};
use shared::tools::PromptTools;
use shared::visible::{is_blank, without_invisible};

use super::template::{SystemPrompt, Template};
use crate::config::WorkerConfig;

/// How many groups the callers are divided into.
///
/// The group is part of the key by which a provider finds a cached prefix. With one group, all
/// requests would go to the same cache; with a group per caller, nobody would find a prefix that
/// another caller left there, and the provider could tell callers apart.
const CACHE_GROUPS: u8 = 16;

/// The parts of a prompt, apart from the settings.
#[derive(Debug, Clone)]
pub struct PromptParts<'a> {
    /// The caller.
    pub reader: &'a Principal,
    /// The question.
    pub message: &'a str,
    /// The messages before it, oldest first.
    pub history: Vec<ChatMessage>,
    /// Whether the session's next prompt will start with all of this one, so that caching the
    /// conversation is worthwhile.
    pub continues: bool,
    /// The document.
    pub document: Option<Document>,
    /// What a search in the documents found; none if there was no search.
    pub found: Option<Vec<FoundPassage>>,
    /// Whether the document was used.
    pub context: ContextUse,
    /// Instructions that replace the built-in ones.
    pub instructions: Option<&'a str>,
    /// A model that replaces the configured one.
    pub model: Option<String>,
}

impl<'a> PromptParts<'a> {
    /// Returns the parts of a question without history, in a session that does not continue.
    pub fn first(reader: &'a Principal, message: &'a str) -> Self {
        Self {
            reader,
            message,
            history: Vec::new(),
            continues: false,
            document: None,
            found: None,
            context: ContextUse::None,
            instructions: None,
            model: None,
        }
    }

    /// Combines the parts. Invisible characters are removed from the messages.
    pub fn prompt(
        self,
        template: &Template,
        config: &WorkerConfig,
    ) -> Result<Prompt, minijinja::Error> {
        let Self { reader, message, history, continues, document, found, context, .. } = self;
        let Self { instructions, model, .. } = self;
        let system = SystemPrompt {
            instructions,
            document: document.as_ref(),
            context,
            max_tokens: config.document_tokens,
        };
        let system = template.system(system)?;
        let found = found.map(|passages| template.found(passages)).transpose()?;
        let group = reader.hash().as_str().bytes().next().unwrap_or(0) % CACHE_GROUPS;
        let caching =
            config.prompt_caching.then_some(PromptCaching { group, conversation: continues });
        let mut messages = history;
        messages.push(ChatMessage { role: Role::User, text: message.to_owned() });
        for message in &mut messages {
            if let Cow::Owned(clean) = without_invisible(&message.text) {
                message.text = clean;
            }
            // From the queue, or from before the API refused them.
            if is_blank(&message.text) {
                "(nothing visible)".clone_into(&mut message.text);
            }
        }
        Ok(Prompt {
            system,
            messages,
            document,
            found,
            max_tokens: config.max_tokens,
            model,
            caching,
            tools: PromptTools::default(),
        })
    }
}
