//! Documents in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use knowledge::{Bag, Index, PassageSpan, Query, cut};

use crate::domain::{DocumentId, Principal, Timestamp, sha256_hex};
use crate::ports::{
    Document, DocumentInfo, DocumentSummary, Documents, DocumentsError, Library, NewDocument,
    Passage, PutResult, SearchQuery,
};

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
pub struct MemoryDocuments {
    stored: Mutex<Vec<Stored>>,
    /// Makes `fetch` and `list` work, but not `search`.
    unsearchable: bool,
}

#[derive(Debug, Clone)]
struct Stored {
    document: Document,
    owner: Option<Principal>,
    source_url: Option<String>,
}

impl MemoryDocuments {
    /// Holds these documents.
    pub fn new(documents: Vec<OwnedDocument>) -> Self {
        let stored = documents
            .into_iter()
            .map(|OwnedDocument { document, owner }| Stored { document, owner, source_url: None })
            .collect();
        Self { stored: Mutex::new(stored), unsearchable: false }
    }

    /// Makes documents that can be read but not searched, like those of a product's own query.
    #[must_use]
    pub fn unsearchable(self) -> Self {
        Self { unsearchable: true, ..self }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Stored>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readable(&self, reader: &Principal) -> Vec<Stored> {
        let mut stored = self.lock().clone();
        stored.retain(|stored| stored.owner.as_ref().is_none_or(|owner| owner == reader));
        stored
    }
}

#[async_trait]
impl Documents for MemoryDocuments {
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        let readable = self.readable(reader).into_iter().map(|stored| stored.document);
        Ok(readable.into_iter().find(|document| document.id == *id))
    }

    async fn list(&self, reader: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        let summary = |stored: Stored| DocumentSummary {
            id: stored.document.id,
            title: stored.document.title,
        };
        Ok(self.readable(reader).into_iter().take(MAX_LISTED).map(summary).collect())
    }

    async fn search(&self, query: SearchQuery<'_>) -> Result<Vec<Passage>, DocumentsError> {
        if self.unsearchable {
            return Ok(Vec::new());
        }
        let mut readable = self.readable(query.reader);
        readable.retain(|stored| query.within.is_none_or(|id| *id == stored.document.id));
        let mut index = Index::default();
        let mut passages = Vec::new();
        for stored in &readable {
            for (ordinal, span) in (0..).zip(cut(&stored.document.content)) {
                let passage = passage(stored, ordinal, span);
                index.add(&Bag::of_passage(&passage.title, &passage.headings, &passage.text));
                passages.push(passage);
            }
        }
        let found = index.search(&Query::new(query.text, query.previous.iter().copied()));
        let with_coverage = |scored: &knowledge::Scored| Passage {
            coverage: scored.coverage,
            ..passages[scored.passage].clone()
        };
        Ok(found.iter().take(query.limit).map(with_coverage).collect())
    }

    fn is_searchable(&self) -> bool {
        !self.unsearchable
    }
}

fn passage(stored: &Stored, ordinal: u32, span: PassageSpan) -> Passage {
    let Document { id, title, content, public } = &stored.document;
    Passage {
        document_id: id.clone(),
        title: title.clone(),
        source_url: stored.source_url.clone(),
        version: sha256_hex(content),
        ordinal,
        text: Arc::from(&content[span.start..span.end]),
        headings: span.headings,
        start: span.start_utf16,
        end: span.end_utf16,
        public: *public,
        coverage: 0.0,
    }
}

#[async_trait]
impl Library for MemoryDocuments {
    async fn put(
        &self,
        id: &DocumentId,
        document: &NewDocument,
    ) -> Result<PutResult, DocumentsError> {
        let NewDocument { title, content, owner, source_url } = document.clone();
        let public = owner.is_none();
        let document = Document { id: id.clone(), title, content: content.into(), public };
        let new = Stored { document, owner, source_url };
        let mut stored = self.lock();
        let Some(old) = stored.iter_mut().find(|stored| stored.document.id == *id) else {
            stored.push(new);
            return Ok(PutResult::Created);
        };
        let unchanged = old.document == new.document
            && old.owner == new.owner
            && old.source_url == new.source_url;
        *old = new;
        Ok(if unchanged { PutResult::Unchanged } else { PutResult::Replaced })
    }

    async fn remove(&self, id: &DocumentId) -> Result<bool, DocumentsError> {
        let mut stored = self.lock();
        let before = stored.len();
        stored.retain(|stored| stored.document.id != *id);
        Ok(stored.len() < before)
    }

    async fn list(
        &self,
        after: Option<&DocumentId>,
        limit: usize,
    ) -> Result<Vec<DocumentInfo>, DocumentsError> {
        let mut infos: Vec<_> = self.lock().iter().map(info).collect();
        infos.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
        infos.retain(|info| after.is_none_or(|after| info.id.as_str() > after.as_str()));
        infos.truncate(limit);
        Ok(infos)
    }

    async fn stat(&self, id: &DocumentId) -> Result<Option<DocumentInfo>, DocumentsError> {
        Ok(self.lock().iter().find(|stored| stored.document.id == *id).map(info))
    }
}

fn info(stored: &Stored) -> DocumentInfo {
    let Stored { document, owner, source_url } = stored;
    DocumentInfo {
        id: document.id.clone(),
        title: document.title.clone(),
        owner: owner.clone(),
        source_url: source_url.clone(),
        version: sha256_hex(&document.content),
        bytes: document.content.len() as u64,
        passages: cut(&document.content).len() as u64,
        changed_at: Timestamp(0),
    }
}
