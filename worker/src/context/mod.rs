//! What the model may know: the history of the session, and the document.

mod document;
mod history;

pub(crate) use document::{DocumentCache, Looked, look_up};
pub(crate) use history::{History, history, replayed};

/// Estimates a text's tokens: four bytes each, a common rule of thumb for English.
///
/// Only shares of the prompt are measured with it, never money.
pub fn estimated_tokens(text: &str) -> usize {
    text.len().div_ceil(4)
}
