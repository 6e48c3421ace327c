//! Who answers: Claude, `OpenAI` and whatever speaks its protocol, or lines of the document itself.
//!
//! | module | what it holds |
//! |---|---|
//! | [`claude`] | the Messages API: request, events |
//! | [`bedrock`] | the Messages API on Amazon Bedrock: its address, its frames |
//! | [`openai`] | Chat Completions: request, chunks |
//! | [`offline`] | an answer from the document, without a model |
//! | [`client`] | the HTTP client that they share, TLS and connect timeout included |
//! | `call` | sending one request, whatever the protocol |
//! | `sse` | a body of server-sent events as a stream of model events, within bounds |
//! | `http_error` | what an HTTP error or an error event means for the caller |
//! | `whole` | a reply that came whole, as the providers' batches bring it |
//!
//! Wire JSON is converted once, at the edge: only [`shared::ports::ModelEvent`]s leave this module.

pub mod bedrock;
mod call;
pub mod claude;
pub use shared::http_client as client;
mod http_error;
pub mod offline;
pub mod openai;
mod retry_after;
mod settings;
mod sse;
mod whole;

pub use bedrock::{BedrockModel, SIGNED_HEADERS};
pub use call::key_header;
pub use claude::ClaudeModel;
pub use http_error::from_response;
pub use openai::OpenAiModel;
pub(crate) use settings::PROMPT_CACHING;
pub use settings::{BedrockSettings, ClaudeSettings, MaxTokensField, OpenAiSettings};
pub use whole::Whole;

#[cfg(test)]
mod tests;
