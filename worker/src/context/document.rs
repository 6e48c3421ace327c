//! The document that a message refers to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::domain::{ContextUse, DocumentId, Principal, PrincipalHash};
use shared::ports::{Document, Documents, DocumentsError, Passage, SearchQuery};
use tokio::time::{Instant, sleep, timeout};

use super::found::NumberedSource;
use super::tokens::estimated_tokens;

const CACHED_FOR: Duration = Duration::from_mins(5);
const MAX_CACHED: usize = 64;
/// The pause before a failed read is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(300);
/// The most passages that a model is given.
const MAX_PASSAGES: usize = 8;
/// The least share of a question that a passage must hold to be of use. Below it, most passages
/// share only common words with the question.
const MIN_COVERAGE: f64 = 0.15;

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

/// What the documents are searched for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// The user's message.
    pub(crate) text: &'a str,
    /// The user's messages before it, the newest first.
    pub(crate) previous: &'a [&'a str],
}

/// What a search resulted in.
#[derive(Debug, Clone, PartialEq)]
enum SearchResult {
    /// There was no search, or there is nothing to search in.
    None,
    /// The passages that were found, best first; maybe none.
    Found(Vec<Passage>),
    /// The documents cannot be searched at the moment.
    Unavailable,
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
        with_retries(|| self.documents.fetch(id, reader)).await.flatten()
    }

    /// Finds the passages that a question needs; `None` if there is no search.
    ///
    /// All documents are searched, unless one was chosen: it is in the prompt as a whole if it fits
    /// `max_tokens`, and searched alone if it does not. If nothing in it matches, its beginning is
    /// in the prompt. `lookup` becomes what the prompt is to say of documents.
    pub(crate) async fn find(
        &self,
        lookup: &mut DocumentLookup,
        question: Question<'_>,
        reader: &Principal,
        max_tokens: usize,
    ) -> Option<Vec<NumberedSource>> {
        let within = match &lookup.document {
            Some(document) if fits(document, max_tokens) => return None,
            Some(document) => Some(document.id.clone()),
            None if lookup.context == ContextUse::Unavailable => return None,
            None => None,
        };
        match self.search(question, reader, within.as_ref()).await {
            SearchResult::Found(found) if !found.is_empty() || within.is_none() => {
                let sources = NumberedSource::number(found, max_tokens);
                lookup.document = None;
                lookup.context =
                    if sources.is_empty() { ContextUse::None } else { ContextUse::Used };
                Some(sources)
            }
            SearchResult::Unavailable if within.is_none() => {
                lookup.context = ContextUse::Unavailable;
                None
            }
            _ => None,
        }
    }

    /// Searches the documents on behalf of the principal, with brief retries.
    async fn search(
        &self,
        question: Question<'_>,
        reader: &Principal,
        within: Option<&DocumentId>,
    ) -> SearchResult {
        if !self.enabled || !self.documents.is_searchable() {
            return SearchResult::None;
        }
        let Question { text, previous } = question;
        let query = SearchQuery { text, previous, reader, within, limit: MAX_PASSAGES };
        let search = async {
            let found = with_retries(|| self.documents.search(query)).await?;
            let found = relevant(found, !previous.is_empty());
            // "Nothing was found" is an answer only for somebody who has documents.
            let searched = !found.is_empty()
                || !with_retries(|| self.documents.list(reader)).await?.is_empty();
            Some(if searched { SearchResult::Found(found) } else { SearchResult::None })
        };
        let result = timeout(self.timeout, search).await.unwrap_or_else(|_| {
            tracing::warn!("the documents could not be searched in time");
            None
        });
        result.unwrap_or(SearchResult::Unavailable)
    }
}

/// Leaves out the passages that have hardly anything of the question.
///
/// A question such as "And when?" has nothing of its own to be found by: then the best passages for
/// the conversation stay.
fn relevant(mut found: Vec<Passage>, goes_on: bool) -> Vec<Passage> {
    if goes_on && found.iter().all(|passage| passage.coverage < MIN_COVERAGE) {
        found.truncate(MAX_PASSAGES / 2);
    } else {
        found.retain(|passage| passage.coverage >= MIN_COVERAGE);
    }
    found
}

/// Tells whether a document fits its share of the prompt, in estimated tokens.
fn fits(document: &Document, max_tokens: usize) -> bool {
    estimated_tokens(&document.content) <= max_tokens
}

/// Calls the documents until they are available; `None` if they cannot be read at all.
///
/// A paused database needs some seconds to wake up; the caller's timeout ends this.
async fn with_retries<T, F: Future<Output = Result<T, DocumentsError>>>(
    mut call: impl FnMut() -> F,
) -> Option<T> {
    loop {
        match call().await {
            Ok(result) => return Some(result),
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
