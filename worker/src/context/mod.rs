//! What the model gets to know besides the question: the session's history and the document.

mod document;
mod history;
mod tokens;

pub(crate) use document::{DocumentLookup, DocumentReader};
pub(crate) use history::{History, history, replayed_history};
pub use tokens::estimated_tokens;
