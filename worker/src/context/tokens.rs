//! A rough count of tokens.

/// Estimates a text's tokens at four bytes each, a common rule of thumb for English.
///
/// Only for dividing up the prompt, never for money.
pub(super) fn estimated_tokens(text: &str) -> usize {
    text.len().div_ceil(4)
}
