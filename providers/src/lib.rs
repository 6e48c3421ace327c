//! The models that answer, and what they charge.
//!
//! A model is a [`shared::ports::Model`]: one type per maker, made from its settings, the port that
//! knows its key, and the HTTP client.
//! Wire JSON is converted once, at the edge: only [`shared::ports::ModelEvent`]s leave this crate.
//! It knows nothing of turns, retries or circuit breakers; those belong to the caller.
//!
//! | module | contents |
//! |---|---|
//! | [`claude`] | Anthropic's Messages API |
//! | [`openai`] | `OpenAI`'s Chat Completions API, and servers that are compatible with it |
//! | [`bedrock`] | Claude on Amazon Bedrock: the Messages API inside AWS event stream frames |
//! | [`offline`] | answers quoted from the document, without a model |
//! | [`prices`] | what a call costs |
//! | [`config`] | the settings of the models |
//! | `effort` | how much a model thinks |
//! | [`client`] | the HTTP client that the models share: TLS, connect timeout |
//! | `call` | sends one request, whatever the protocol |
//! | `sse` | reads a body of server-sent events as a stream of model events, within bounds |
//! | `lenient` | reads what other servers make of a protocol |
//! | `tool_calls` | puts a reply's tool calls together, and passes on only whole ones |
//! | `http_error` | turns HTTP errors and error events into [`shared::ports::ModelError`]s |
//! | `batch_reply` | a complete reply from a provider's batch API |

mod batch_reply;
pub mod bedrock;
mod call;
pub mod claude;
pub mod config;
mod effort;
mod http_error;
mod lenient;
pub mod offline;
pub mod openai;
pub mod prices;
mod retry_after;
mod sse;
mod tool_calls;

pub use batch_reply::BatchReply;
pub use bedrock::{BedrockModel, SIGNED_HEADERS};
pub use call::key_header;
pub use claude::ClaudeModel;
pub use config::{BedrockSettings, ClaudeSettings, MaxTokensField, OpenAiSettings};
pub use effort::Effort;
pub use http_error::error_from_response;
pub use offline::OfflineModel;
pub use openai::OpenAiModel;
pub use prices::{Prices, PricesError};
pub use shared::http_client as client;

#[cfg(test)]
mod tests;
