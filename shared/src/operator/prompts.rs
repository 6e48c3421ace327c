//! What a provider would be asked, without asking it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{ContextUse, DocumentId, MessageText, Principal, ProviderName};

/// `POST /admin/api/prompts`: renders the requests that first messages would be answered with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PromptsRequest {
    /// Who asks: `op:<name>`, nobody else. Documents are read on their behalf.
    pub principal: Principal,
    /// Who would be asked: `claude` or `openai`.
    pub provider: ProviderName,
    /// 1 to 100 messages, each the first of a session of its own.
    pub messages: Vec<FirstMessage>,
}

/// A message that stands alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstMessage {
    /// The text.
    pub message: MessageText,
    /// The document asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<DocumentId>,
}

/// The answer to a [`PromptsRequest`], in its order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PromptsResponse {
    /// One for each message.
    pub prompts: Vec<RenderedPrompt>,
}

/// What a provider would be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenderedPrompt {
    /// What became of the document.
    pub context: ContextUse,
    /// The body of the request for the whole reply at once; none where there is a problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
