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
}
