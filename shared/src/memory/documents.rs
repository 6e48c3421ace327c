//! Documents in memory.

use async_trait::async_trait;

use crate::domain::{DocumentId, Principal};
use crate::ports::{Document, DocumentSummary, Documents, DocumentsError};

/// The largest number of documents in a list.
const MAX_LISTED: usize = 1000;

/// A document and who may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedDocument {
    /// The document.
    pub document: Document,
    /// Who alone may read it; `None` if it is public.
    pub owner: Option<Principal>,
}

/// Documents in memory, in the order they were given.
#[derive(Debug, Default)]
pub struct MemoryDocuments(Vec<OwnedDocument>);

impl MemoryDocuments {
    /// Holds these documents.
    pub fn new(documents: Vec<OwnedDocument>) -> Self {
        Self(documents)
    }

    fn readable(&self, reader: &Principal) -> impl Iterator<Item = &Document> {
        let may_read =
            move |owned: &&OwnedDocument| owned.owner.as_ref().is_none_or(|owner| owner == reader);
        self.0.iter().filter(may_read).map(|owned| &owned.document)
    }
}

#[async_trait]
impl Documents for MemoryDocuments {
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        Ok(self.readable(reader).find(|document| document.id == *id).cloned())
    }

    async fn list(&self, reader: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        let summary = |document: &Document| DocumentSummary {
            id: document.id.clone(),
            title: document.title.clone(),
        };
        Ok(self.readable(reader).take(MAX_LISTED).map(summary).collect())
    }
}
