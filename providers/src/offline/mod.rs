//! The `offline` answerer: no model, only the lines of the document that best match the question.
//!
//! A message flows through it as `quote` (split, score, accept or decline) and `answer` (put into
//! words).
//! The scoring is plain BM25 over lines; nothing here knows what a timetable is.
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
