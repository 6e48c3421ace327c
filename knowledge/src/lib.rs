//! Finding what a question needs in documents, without a model and without a database.
//!
//! - [`cut`] divides a document into passages that can be read alone.
//! - [`sentences`] divides a passage into the sentences that a citation can quote.
//! - [`for_each_term`] turns text into the terms that are compared.
//! - [`Query`] and [`Bm25`] score passages; [`Index`] does all of it in memory, and [`rank`] orders
//!   passages that a database found.
//!
//! Everything here is a pure function of its text: the same document has the same passages and the
//! same scores wherever it is stored.

mod bm25;
mod index;
mod passages;
mod query;
mod rank;
mod sentences;
mod stop_words;
mod terms;

pub use bm25::{Bm25, Statistics};
pub use index::{Index, Scored};
pub use passages::{MAX_PASSAGE_CHARS, PassageSpan, cut};
pub use query::{Query, QueryTerm};
pub use rank::{Candidate, rank};
pub use sentences::sentences;
pub use terms::{Bag, MAX_TERM_BYTES, for_each_term};
