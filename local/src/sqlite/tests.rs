//! What becomes of a batch whose commit fails.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shared::domain::Timestamp;
use shared::fifo::QueueSettings;
use shared::memory::FixedClock;
use shared::ports::store::{Attributes, Item, Key, Store as _, StoreError, Write};
use shared::ports::{Durability, EventSource as _, OutgoingMessage, Queue as _};

use super::engine::Engine;
use super::error::DatabaseError;
use super::{Database, SqliteStore};

const SETTINGS: QueueSettings = QueueSettings::new(Duration::from_secs(30), 3);

/// Opens a database in which a row of `bad` lets the commit fail.
async fn open(folder: &tempfile::TempDir) -> Database {
    let clock = Arc::new(FixedClock(Timestamp(1_800_000_000_000)));
    let database = Database::open(&folder.path().join("chatbot.db"), clock).unwrap();
    let create = |engine: &mut Engine| {
        engine.connection.execute_batch(
            "CREATE TABLE good (id INTEGER PRIMARY KEY);
             CREATE TABLE bad (id INTEGER REFERENCES good (id) DEFERRABLE INITIALLY DEFERRED);",
        )
    };
    database.write(Durability::Synced, create).await.unwrap();
    database
}

fn spoil(engine: &mut Engine) -> rusqlite::Result<()> {
    engine.connection.execute("INSERT INTO bad VALUES (1)", ()).map(drop)
}

async fn put(
    store: &SqliteStore,
    sort: &str,
    durability: Durability,
) -> Result<Option<Item>, StoreError> {
    let attributes = Attributes::from_iter([("n".to_owned(), json!(1))]);
    store
        .write(Write::put(Item { key: Key::new("p", sort), attributes }, Vec::new()), durability)
        .await
}

async fn is_there(store: &SqliteStore, sort: &str) -> bool {
    store.get(&[Key::new("p", sort)]).await.unwrap()[0].is_some()
}

#[tokio::test]
async fn a_failed_commit_is_told_to_all_who_wait_and_undoes_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    let store = database.store();
    put(&store, "before", Durability::Synced).await.unwrap();
    let (spoiled, waiting) = tokio::join!(
        database.write(Durability::Ordered, spoil),
        put(&store, "waiting", Durability::Synced)
    );
    spoiled.unwrap();
    assert!(matches!(waiting, Err(StoreError::Unavailable(_))));
    assert!(is_there(&store, "before").await);
    assert!(!is_there(&store, "waiting").await);
    put(&store, "after", Durability::Synced).await.unwrap();
    assert!(is_there(&store, "after").await);
}

#[tokio::test]
async fn a_failed_commit_leaves_the_queue_as_the_tables_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    let queue = database.queue("requests", SETTINGS).unwrap();
    let send = async |group: &str, body: &str| {
        let [group, deduplication_id, body] = [group, body, body].map(str::to_owned);
        queue
            .send(OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced })
            .await
    };
    send("a", "deleted").await.unwrap();
    send("b", "in-flight").await.unwrap();
    let taken = queue.receive(2).await.unwrap();
    database.sync().await.unwrap();
    let (deletion, refused, spoiled, waiting) = tokio::join!(
        queue.delete(&taken[0].receipt),
        send("c", "lost"),
        database.write(Durability::Ordered, spoil),
        database.sync(),
    );
    assert!(deletion.is_ok() && spoiled.is_ok(), "those were answered before the commit");
    assert!(refused.is_err() && waiting.is_err());
    let again = queue.receive(10).await.unwrap();
    assert_eq!(again.len(), 1, "what is in flight stays so, and what was not sent is not there");
    assert_eq!(
        (again[0].body.as_str(), again[0].receive_count),
        ("deleted", 2),
        "the delete was undone"
    );
    queue.delete(&again[0].receipt).await.unwrap();
    queue.delete(&taken[1].receipt).await.unwrap();
    send("c", "lost").await.unwrap();
    assert_eq!(
        queue.receive(10).await.unwrap()[0].body,
        "lost",
        "its deduplication id was undone too"
    );
}

#[tokio::test]
async fn a_job_that_fails_halfway_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    let half = |engine: &mut Engine| {
        engine.connection.execute("INSERT INTO good VALUES (7)", ())?;
        engine.connection.execute("INSERT INTO good VALUES (7)", ()).map(drop)
    };
    assert!(matches!(
        database.write(Durability::Ordered, half).await,
        Err(DatabaseError::Sqlite(_))
    ));
    let count = |engine: &mut Engine| -> rusqlite::Result<i64> {
        engine.connection.query_row("SELECT count(*) FROM good", (), |row| row.get(0))
    };
    assert_eq!(database.read(count).await.unwrap(), 0);
}

#[tokio::test]
async fn a_job_that_fails_at_once_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    let store = database.store();
    let fail = |engine: &mut Engine| {
        engine.connection.execute("INSERT INTO absent VALUES (1)", ()).map(drop)
    };
    let (kept, failed, synced) = tokio::join!(
        put(&store, "kept", Durability::Ordered),
        database.write(Durability::Ordered, fail),
        put(&store, "synced", Durability::Synced),
    );
    assert!(kept.is_ok() && failed.is_err() && synced.is_ok());
    assert!(is_there(&store, "kept").await && is_there(&store, "synced").await);
}

#[tokio::test]
async fn a_job_that_panics_takes_its_batch_along_and_later_ones_run() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder).await;
    let store = database.store();
    let break_off = |engine: &mut Engine| -> rusqlite::Result<()> {
        engine.connection.execute("DELETE FROM items", ())?;
        panic!("this test breaks a job off")
    };
    put(&store, "kept", Durability::Synced).await.unwrap();
    let broken = database.write(Durability::Synced, break_off).await;
    assert!(matches!(broken, Err(DatabaseError::Closed)));
    put(&store, "late", Durability::Synced).await.unwrap();
    assert!(is_there(&store, "kept").await && is_there(&store, "late").await);
}
