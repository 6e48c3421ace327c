//! Keeping the documents: what operators may do.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::DocumentsError;
use crate::domain::{DocumentId, Principal, Timestamp};

/// The largest content of a document that the library takes, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 4 * 1024 * 1024;
/// The longest title, in bytes.
pub const MAX_TITLE_BYTES: usize = 512;
/// The longest source URL, in bytes.
pub const MAX_SOURCE_URL_BYTES: usize = 2_048;

/// A document as operators give it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDocument {
    /// Its title.
    pub title: String,
    /// Its content: Markdown or plain text.
    pub content: String,
    /// Who alone may read it; without one, everybody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Principal>,
    /// Where it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
}

/// The reason why a document cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NewDocumentError {
    /// The content is too long.
    #[error("is longer than 4 MiB: divide the document")]
    Content,
    /// The title is too long.
    #[error("is longer than 512 bytes: shorten it")]
    Title,
    /// The title is empty or blank.
    #[error("is empty")]
    NoTitle,
    /// The source URL is too long.
    #[error("is longer than 2,048 bytes")]
    SourceUrl,
    /// A field contains NUL, which databases cannot store in texts.
    #[error("contains NUL, which is no text: convert the file")]
    Nul(&'static str),
}

impl NewDocumentError {
    /// Returns the name of the field.
    pub fn field(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Title | Self::NoTitle => "title",
            Self::SourceUrl => "source_url",
            Self::Nul(field) => field,
        }
    }
}

impl NewDocument {
    /// Checks the limits that hold wherever documents are stored.
    pub fn check(&self) -> Result<(), NewDocumentError> {
        let Self { title, content, source_url, .. } = self;
        let url = source_url.as_deref().unwrap_or_default();
        if content.len() > MAX_DOCUMENT_BYTES {
            return Err(NewDocumentError::Content);
        }
        if title.len() > MAX_TITLE_BYTES {
            return Err(NewDocumentError::Title);
        }
        if title.trim().is_empty() {
            return Err(NewDocumentError::NoTitle);
        }
        if url.len() > MAX_SOURCE_URL_BYTES {
            return Err(NewDocumentError::SourceUrl);
        }
        let texts = [("title", title.as_str()), ("content", content), ("source_url", url)];
        match texts.into_iter().find(|(_, text)| text.contains('\0')) {
            Some((field, _)) => Err(NewDocumentError::Nul(field)),
            None => Ok(()),
        }
    }
}

/// What the library holds of a document, apart from its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentInfo {
    /// Its id.
    pub id: DocumentId,
    /// Its title.
    pub title: String,
    /// Who alone may read it; without one, everybody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Principal>,
    /// Where it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// The SHA-256 of its content, in hex.
    pub version: String,
    /// The length of its content, in bytes.
    pub bytes: u64,
    /// How many passages it has.
    pub passages: u64,
    /// When it was changed last.
    pub changed_at: Timestamp,
}

/// What a put did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PutResult {
    /// The document is new.
    Created,
    /// The document was replaced.
    Replaced,
    /// Content, title, owner and source URL were the same: nothing was written.
    Unchanged,
}

/// Keeps the documents that [`Documents`](super::Documents) reads.
#[async_trait]
pub trait Library: Send + Sync {
    /// Stores a document under its id, with its passages; all of it or nothing, also if the process
    /// is killed.
    async fn put(
        &self,
        id: &DocumentId,
        document: &NewDocument,
    ) -> Result<PutResult, DocumentsError>;

    /// Removes a document with its passages; `false` if there is none.
    async fn remove(&self, id: &DocumentId) -> Result<bool, DocumentsError>;

    /// Lists documents by id, from the first one behind `after`, at most `limit`.
    async fn list(
        &self,
        after: Option<&DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentInfo>, DocumentsError>;

    /// Returns what is known of a document; `None` if there is none.
    async fn stat(&self, id: &DocumentId) -> Result<Option<DocumentInfo>, DocumentsError>;
}
