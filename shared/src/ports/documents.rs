//! Where documents come from.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{DocumentId, Principal};

/// The content of a document: data for the model, never instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Its title, as untrusted as its content.
    pub title: String,
    /// Its content.
    pub content: Arc<str>,
    /// Whether everybody may read it: then replies about it may be shared.
    pub public: bool,
}

/// A document in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentSummary {
    /// Its id.
    pub id: DocumentId,
    /// Its title.
    pub title: String,
}

/// A piece of a document that can be read alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The document.
    pub document_id: DocumentId,
    /// The document's title, as untrusted as the text.
    pub title: String,
    /// Where the document is published, if it is.
    pub source_url: Option<String>,
    /// The SHA-256 of the document's whole content, in hex: which version the passage is of.
    pub version: String,
    /// Its place among the passages of that version, from 0.
    pub ordinal: u32,
    /// The headings above it, the outermost first.
    pub headings: Vec<String>,
    /// Where it begins in the content, in UTF-16 code units.
    pub start: u32,
    /// Where it ends in the content, in UTF-16 code units.
    pub end: u32,
    /// Its text: data for the model, never instruction.
    pub text: Arc<str>,
    /// Whether everybody may read the document.
    pub public: bool,
    /// How much of the question it holds, from 0 to 1. See `knowledge::Scored`.
    pub coverage: f64,
}

/// A search for passages.
#[derive(Debug, Clone, Copy)]
pub struct SearchQuery<'a> {
    /// The question.
    pub text: &'a str,
    /// The messages of the user before it, the newest first; they count less.
    pub previous: &'a [&'a str],
    /// On whose behalf.
    pub reader: &'a Principal,
    /// The document that is searched; `None`: all that the reader may read.
    pub within: Option<&'a DocumentId>,
    /// How many passages are wanted, at most 20.
    pub limit: usize,
}

/// The reason why documents could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    /// The database is paused, slow or away: trying again soon may help.
    #[error("the documents are unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The query or its settings are wrong: trying again does not help.
    #[error("the documents cannot be read")]
    Permanent(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Reads documents on behalf of a principal.
///
/// A document without an owner is public; one with an owner is read by that principal only.
/// One that the principal may not read is absent: no answer tells the two apart.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Reads a document; `None` if it is absent for this principal.
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError>;

    /// Lists what the principal may read, in the order of its source, at most 1,000.
    async fn list(&self, reader: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError>;

    /// Finds the passages that a question needs, best first; none if nothing matches.
    ///
    /// Returns only what the reader may read, and only passages of the documents as they stand. A
    /// document that is being replaced is seen as it was or as it will be, never as a mixture.
    async fn search(&self, _query: SearchQuery<'_>) -> Result<Vec<Passage>, DocumentsError> {
        Ok(Vec::new())
    }

    /// Tells whether this source can be searched; one that cannot finds nothing.
    fn is_searchable(&self) -> bool {
        false
    }
}
