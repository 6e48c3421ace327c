//! The prompt: a template for the instructions, the document as a delimited block of data, and no
//! invisible characters.

mod parts;
mod template;

pub use parts::PromptParts;
pub use template::{SystemPrompt, Template};
