//! The document that a message refers to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::domain::{ContextUse, DocumentId, Principal, PrincipalHash};
use shared::ports::{Document, Documents, DocumentsError};
use tokio::time::{Instant, sleep, timeout};

const CACHED_FOR: Duration = Duration::from_mins(5);
const MAX_CACHED: usize = 64;
/// The pause before a failed read is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(300);

/// A document, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentLookup {
    pub(crate) document: Option<Document>,
    pub(crate) context: ContextUse,
}

impl DocumentLookup {
    fn found(document: Document) -> Self {
        Self { document: Some(document), context: ContextUse::Used }
    }

    fn missing(context: ContextUse) -> Self {
        Self { document: None, context }
    }
}

/// Reads documents on behalf of principals, and caches them for five minutes.
pub(crate) struct DocumentReader {
    documents: Arc<dyn Documents>,
    cache: DocumentCache,
    enabled: bool,
    timeout: Duration,
}

impl DocumentReader {
    /// Makes a reader. `timeout` is for one lookup, retries included; a reader that is not
    /// `enabled` reads nothing.
    pub(crate) fn new(documents: Arc<dyn Documents>, enabled: bool, timeout: Duration) -> Self {
        Self { documents, cache: DocumentCache::default(), enabled, timeout }
    }

    /// Reads the document on behalf of the principal, with brief retries.
    ///
    /// The turn is answered without a document that does not exist, that the principal may not
    /// read, or that cannot be read in time.
    pub(crate) async fn look_up(
        &self,
        id: Option<&DocumentId>,
        reader: &Principal,
    ) -> DocumentLookup {
        let Some(id) = id.filter(|_| self.enabled) else {
            return DocumentLookup::missing(ContextUse::None);
        };
        let key = (reader.hash(), id.clone());
        if let Some(document) = self.cache.get(&key) {
            return DocumentLookup::found(document);
        }
        match timeout(self.timeout, self.fetch(id, reader)).await {
            Ok(Some(document)) => {
                self.cache.put(key, document.clone());
                DocumentLookup::found(document)
            }
            Ok(None) => DocumentLookup::missing(ContextUse::Unavailable),
            Err(_) => {
                tracing::warn!("the document could not be read in time");
                DocumentLookup::missing(ContextUse::Unavailable)
            }
        }
    }

    async fn fetch(&self, id: &DocumentId, reader: &Principal) -> Option<Document> {
        loop {
            match self.documents.fetch(id, reader).await {
                Ok(document) => return document,
                // A paused database needs some seconds to wake up; the caller's timeout ends this.
                Err(DocumentsError::Unavailable(_)) => sleep(RETRY_PAUSE).await,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the documents cannot be read"
                    );
                    return None;
                }
            }
        }
    }
}

/// The documents that this process read in the last five minutes.
///
/// The principal is part of the key: what one caller may read tells nothing about another.
#[derive(Debug, Default)]
struct DocumentCache(Mutex<HashMap<(PrincipalHash, DocumentId), (Instant, Document)>>);

impl DocumentCache {
    fn get(&self, key: &(PrincipalHash, DocumentId)) -> Option<Document> {
        let documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        documents
            .get(key)
            .filter(|(read, _)| read.elapsed() < CACHED_FOR)
            .map(|(_, document)| document.clone())
    }

    fn put(&self, key: (PrincipalHash, DocumentId), document: Document) {
        let mut documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        documents.retain(|_, (read, _)| read.elapsed() < CACHED_FOR);
        if documents.len() >= MAX_CACHED {
            let oldest =
                documents.iter().min_by_key(|(_, (read, _))| *read).map(|(key, _)| key.clone());
            oldest.and_then(|key| documents.remove(&key));
        }
        documents.insert(key, (Instant::now(), document));
    }
}
