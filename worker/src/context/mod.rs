//! What the model gets to know besides the question: the session's history, the document, and the
//! passages that a search finds.

mod document;
mod found;
mod history;
mod tokens;

pub(crate) use document::{DocumentLookup, DocumentReader, Question};
pub(crate) use found::NumberedSource;
pub(crate) use history::{History, history, replayed_history};
