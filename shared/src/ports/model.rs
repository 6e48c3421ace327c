//! A model that answers.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde_json::Value;

use crate::domain::{FinishReason, ProviderName, Usage};
use crate::ports::Document;
use crate::tools::{PromptTools, Thinking, ToolCall};

/// Who said a message of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user.
    User,
    /// The model.
    Assistant,
}

/// One message of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Who said it.
    pub role: Role,
    /// What was said: untrusted text.
    pub text: String,
}

/// All that a model reads for one reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The instructions, with the document as a labelled data block in them.
    pub system: String,
    /// The history, oldest first, ending with the user's message; roles alternate.
    pub messages: Vec<ChatMessage>,
    /// The document itself, for a provider that answers without a model.
    pub document: Option<Document>,
    /// What a search in the documents found for the question; none if there was no search.
    pub found: Option<FoundPassages>,
    /// The largest reply, in the provider's tokens.
    pub max_tokens: u32,
    /// The model to be asked in place of the configured one.
    pub model: Option<String>,
    /// What the provider may keep of it for the next call; `None`: nothing is asked for.
    pub caching: Option<PromptCaching>,
    /// The tools that the model may ask for, and the rounds so far.
    pub tools: PromptTools,
}

/// What a search in the documents found for a question. It belongs to the last message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPassages {
    /// The passages, best first, numbered from 1; there may be none.
    pub passages: Vec<FoundPassage>,
    /// All of it as text that stands before the user's message, for providers without a form of
    /// their own: the passages as blocks of data, and how to cite them.
    pub text: String,
}

/// A passage as a model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPassage {
    /// Where it is from: the document's id and the passage's place in it.
    pub source: String,
    /// The title of its document and the headings above it: untrusted.
    pub title: String,
    /// Its sentences, which together are the passage: untrusted. None is blank.
    pub sentences: Vec<String>,
    /// Whether everybody may read it: then replies about it may be shared.
    pub public: bool,
}

impl FoundPassage {
    /// Returns the whole passage.
    pub fn text(&self) -> String {
        self.sentences.concat()
    }
}

/// A model's reference to what supports the text before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCitation {
    /// The number of the passage, from 1. It comes from the model: there may be no such passage.
    pub passage: u32,
    /// The words in it. They are not checked yet.
    pub quote: String,
}

/// What a later prompt will share with this one, for a provider that keeps the beginnings of
/// prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptCaching {
    /// Which of a few groups the speaker is in. Always the same for one speaker, and too many share
    /// it for it to tell who speaks.
    pub group: u8,
    /// Whether the next prompt of this session will begin with all of this one: its history was not
    /// cut.
    pub conversation: bool,
}

impl Prompt {
    /// Returns the id of the model that is asked: the prompt's own, or the configured one.
    pub fn model_or<'a>(&'a self, configured: &'a str) -> &'a str {
        self.model.as_deref().unwrap_or(configured)
    }
}

/// What a model's stream yields.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEvent {
    /// A piece of the reply, not empty.
    Delta(String),
    /// What supports the text before it, from a provider that
    /// [cites by itself](Model::cites_by_itself).
    Citation(ModelCitation),
    /// What the call used so far: replaces what was said before.
    Usage(Usage),
    /// What the model thought before it asked for calls, to be given back with their results. At
    /// most once, before the calls.
    Thinking(Thinking),
    /// A call that the model asks for, whole. All calls of a reply come in its order right before
    /// `Finished`, and only if the model ended by itself: not if it reached its limit or refused.
    ToolCall(ToolCall),
    /// The provider is at work, but has nothing to say: it thinks, or keeps the connection alive.
    Alive,
    /// The reply is complete. Nothing follows.
    Finished(Finish),
}

/// How a reply ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// Why it ended: `stop`, `length`, `refusal` or `content_filter`. With calls it is `stop`: the
    /// reply goes on with their results.
    pub reason: FinishReason,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
}

/// The kinds of failure that a caller branches on.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The provider asks for a pause, or is overloaded: try again, not before `retry_after`.
    #[error("the provider is busy ({code})")]
    Busy {
        /// The HTTP status or the provider's error type.
        code: String,
        /// The earliest next try.
        retry_after: Option<Duration>,
    },
    /// No connection, a broken stream, or silence beyond a timeout: try again.
    #[error("the provider's answer broke off: {0}")]
    Broken(String),
    /// The key was refused: another provider may answer, this one not.
    #[error("the provider refused the key ({0})")]
    Unauthorized(String),
    /// Quota, billing or an invalid request: another provider may answer, this one not.
    #[error("the provider refused the request ({0})")]
    Permanent(String),
}

/// The pieces of a reply, in order; it ends after `Finished` or the first error.
///
/// A stream that ends without `Finished` is a failure, which adapters report as `Broken`.
pub type ModelStream = BoxStream<'static, Result<ModelEvent, ModelError>>;

/// Streams one reply from one provider: a single call without any retry.
///
/// Dropping the future or the stream ends the call at the provider too.
/// Connect timeouts are the adapter's, all other timeouts the caller's.
#[async_trait]
pub trait Model: Send + Sync {
    /// Returns who answers.
    fn provider(&self) -> ProviderName;

    /// Returns the configured model's id.
    fn model(&self) -> &str;

    /// Tells whether it has the key that it needs; one that has not is never asked.
    ///
    /// What is not known counts as yes: the call then says what is wrong.
    async fn is_configured(&self) -> bool {
        true
    }

    /// Returns how many tokens of thinking a call may use beside those of the reply.
    fn thinking_room(&self) -> u32 {
        0
    }

    /// Tells whether it sends [citations](ModelEvent::Citation). The replies of others mark what
    /// they cite in the text: `[1]`.
    fn cites_by_itself(&self) -> bool {
        false
    }

    /// Returns the body of the request for the whole reply at once, as the provider's batches want
    /// it.
    ///
    /// `None`: nothing is known of its batches.
    fn batch_request(&self, _prompt: &Prompt) -> Option<Value> {
        None
    }

    /// Sends the request and returns once the provider has accepted it.
    async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError>;
}
