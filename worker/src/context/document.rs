//! The document that a message asks for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use shared::domain::{ContextUse, DocumentId, Principal, PrincipalHash};
use shared::ports::{Document, DocumentsError};
use tokio::time::{Instant, sleep, timeout};

use crate::handler::Worker;

const CACHED_FOR: Duration = Duration::from_mins(5);
const MAX_CACHED: usize = 64;
const PAUSE: Duration = Duration::from_millis(300);

/// The documents that this process read in the last five minutes, per principal.
#[derive(Debug, Default)]
pub(crate) struct DocumentCache(Mutex<HashMap<(PrincipalHash, DocumentId), (Instant, Document)>>);

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

/// What became of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) document: Option<Document>,
    pub(crate) context: ContextUse,
}

/// Reads the document on behalf of the principal, with brief retries.
///
/// The answer goes on without one that is absent, refused, or cannot be read in time.
pub(crate) async fn look_up(
    worker: &Worker,
    id: Option<&DocumentId>,
    reader: &Principal,
) -> Looked {
    let Some(id) = id.filter(|_| worker.config.enable_context) else {
        return Looked { document: None, context: ContextUse::None };
    };
    let key = (reader.hash(), id.clone());
    if let Some(document) = worker.documents.get(&key) {
        return Looked { document: Some(document), context: ContextUse::Used };
    }
    match timeout(worker.config.timeouts.document, fetch(worker, id, reader)).await {
        Ok(Some(document)) => {
            worker.documents.put(key, document.clone());
            Looked { document: Some(document), context: ContextUse::Used }
        }
        Ok(None) => Looked { document: None, context: ContextUse::Unavailable },
        Err(_) => {
            tracing::warn!("the document could not be read in time");
            Looked { document: None, context: ContextUse::Unavailable }
        }
    }
}

async fn fetch(worker: &Worker, id: &DocumentId, reader: &Principal) -> Option<Document> {
    loop {
        match worker.ports.documents.fetch(id, reader).await {
            Ok(document) => return document,
            Err(DocumentsError::Unavailable(_)) => sleep(PAUSE).await,
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
