//! The adapters on `SQLite` pass every suite.

use std::cell::RefCell;
use std::sync::Arc;

use local::sqlite::Database;
use shared::domain::{DocumentId, Timestamp};
use shared::memory::{ManualClock, OwnedDocument};
use shared::ports::store::Store;
use shared::ports::{Clock, Document, Documents, EventSource, Library, NewDocument};
use tempfile::TempDir;
use testkit::conformance::{self, Published};

use crate::steady::Steady;

/// Folders that are removed at the end of a test.
#[derive(Default)]
struct Folders(RefCell<Vec<TempDir>>);

impl Folders {
    /// Opens an empty database in a folder of its own.
    fn open(&self, clock: Arc<dyn Clock>) -> Database {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("chatbot.db"), clock).unwrap();
        self.0.borrow_mut().push(folder);
        database
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(Timestamp(1_800_000_000_000)))
}

#[tokio::test(start_paused = true)]
async fn the_store_on_sqlite_keeps_its_promises() {
    let folders = Folders::default();
    conformance::store(async |clock| Arc::new(folders.open(clock).store()) as Arc<dyn Store>).await;
}

#[tokio::test(start_paused = true)]
async fn the_queue_on_sqlite_keeps_its_promises() {
    let folders = Folders::default();
    let make = async |settings| {
        Arc::new(Steady(folders.open(clock()).queue("requests", settings).unwrap()))
            as Arc<dyn EventSource>
    };
    conformance::queue(make).await;
}

#[tokio::test(start_paused = true)]
async fn the_event_bus_on_sqlite_keeps_its_promises() {
    let events = Folders::default().open(clock()).events();
    let published = async || {
        let stored = events.list(0, 100).await.unwrap();
        let published = stored.into_iter().map(|event| Published {
            id: event.id,
            detail_type: event.detail_type,
            detail: serde_json::from_str(&event.detail).unwrap(),
        });
        published.collect()
    };
    conformance::events(&events, published).await;
}

#[tokio::test(start_paused = true)]
async fn the_reply_cache_on_sqlite_keeps_its_promises() {
    let folders = Folders::default();
    let clock = Arc::new(ManualClock::new(Timestamp(1_800_000_000_000)));
    let make = async |entries| {
        Arc::new(folders.open(clock.clone()).reply_cache(entries).await.unwrap()) as _
    };
    conformance::reply_cache(make, 32, async |time| clock.advance(time)).await;
}

#[tokio::test(start_paused = true)]
async fn the_documents_on_sqlite_keep_their_promises() {
    let folders = Folders::default();
    let make = async |documents: Vec<OwnedDocument>| {
        let loaded = folders.open(clock()).documents();
        loaded.load(documents.into_iter().map(stored).collect()).await.unwrap();
        Arc::new(loaded) as _
    };
    conformance::documents(make).await;
}

fn stored(OwnedDocument { document, owner }: OwnedDocument) -> (DocumentId, NewDocument) {
    let Document { id, title, content, .. } = document;
    (id, NewDocument { title, content: content.to_string(), owner, source_url: None })
}

#[tokio::test]
async fn the_search_on_sqlite_keeps_its_promises() {
    let folders = Folders::default();
    conformance::search(async || library(&folders)).await;
}

#[tokio::test]
async fn the_library_on_sqlite_keeps_its_promises() {
    let folders = Folders::default();
    conformance::library(async || library(&folders)).await;
}

fn library(folders: &Folders) -> (Arc<dyn Library>, Arc<dyn Documents>) {
    let documents = Arc::new(folders.open(clock()).documents());
    (documents.clone(), documents)
}
