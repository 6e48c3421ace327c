//! The passages of documents, and the index by which they are found.
//!
//! | module | contents |
//! |---|---|
//! | `prepare` | cuts a document and counts its terms, outside the database's thread |
//! | `write` | stores and removes what was prepared, in the caller's transaction |
//! | `search` | finds and ranks passages, in a read transaction |
//! | `readers` | the connections that searches read on |
//!
//! Passages are divided by who may read them: those of public documents are in one scope, and those
//! of each owner in one of their own. A search looks at the public scope and at the reader's, and
//! at nothing else. Inside a scope passages are numbered in the order in which they came; no number
//! is used twice.
//!
//! For each term and block of 256 numbers there is a row of postings: for each passage that has the
//! term, two bytes, which are the passage's place in the block and how often the term occurs in it,
//! at most 255. A document's new passages go to the end of the last row, so that a put reads and
//! writes few pages. The lengths of a block's passages are in a row too, four bytes each.

mod prepare;
mod readers;
mod search;
mod write;

pub(super) use prepare::Prepared;
pub(super) use readers::Readers;
pub(super) use search::{SearchRequest, search};
pub(super) use write::{Place, insert, remove};

/// How many passages a row of postings covers.
const BLOCK: i64 = 256;
/// The scope of public documents, by its owner. No principal is an empty text.
const PUBLIC: &str = "";
