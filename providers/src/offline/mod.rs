//! Answers without a model: the lines of the document that best match the question.
//!
//! `quote` splits the document, scores its lines, and accepts or declines; `answer` puts the result
//! into sentences.
//! The score is plain BM25 over lines; nothing here is specific to timetables.
//! Every function is pure, and the same input gives the same output.

mod answer;
mod bm25;
mod passages;
mod provider;
mod quote;
mod words;

pub use answer::{Source, answer};
pub use provider::OfflineModel;
pub use quote::quote;
