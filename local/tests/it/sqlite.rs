//! What the database on one machine promises beyond the ports.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use local::sqlite::{Database, OpenError, SqliteQueue, SqliteStore};
use serde_json::{Value, json};
use shared::domain::{ExpiresAt, MicroUsd, Timestamp};
use shared::fifo::QueueSettings;
use shared::memory::ManualClock;
use shared::ports::store::{
    Attributes, Condition, Item, Key, Query, Store as _, StoreError, Write,
};
use shared::ports::{
    Clock as _, Delivery, Durability, EventEntry, EventSource as _, Events as _, OutgoingMessage,
    Queue as _, QueueError,
};
use shared::protocol::counters::{self, Budget, RATE_PREFIX};
use tempfile::TempDir;

const SETTINGS: QueueSettings = QueueSettings::new(Duration::from_secs(30), 2);

/// A data directory that is opened again and again.
struct Machine {
    folder: TempDir,
    clock: Arc<ManualClock>,
}

impl Machine {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp(1_800_000_000_000)));
        Self { folder: tempfile::tempdir().unwrap(), clock }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("chatbot.db")
    }

    fn try_open(&self) -> Result<Database, OpenError> {
        Database::open(&self.file(), Arc::<ManualClock>::clone(&self.clock))
    }

    fn open(&self) -> Database {
        self.try_open().unwrap()
    }
}

async fn put(
    store: &SqliteStore,
    sort: &str,
    value: Value,
    durability: Durability,
) -> Result<(), StoreError> {
    let attributes = Attributes::from_iter([("value".to_owned(), value)]);
    let item = Item { key: Key::new("p", sort), attributes };
    store.write(Write::put(item, Vec::new()), durability).await.map(drop)
}

async fn values(store: &SqliteStore) -> Vec<(String, Value)> {
    let page = store.query(&Query::prefix("p", "", 10_000)).await.unwrap();
    page.items
        .into_iter()
        .map(|mut item| (item.key.sort, item.attributes.remove("value").unwrap()))
        .collect()
}

async fn send(queue: &SqliteQueue, group: &str, body: &str) -> Result<(), QueueError> {
    let [group, deduplication_id, body] = [group, body, body].map(str::to_owned);
    queue
        .send(OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced })
        .await
}

async fn receive(queue: &SqliteQueue) -> Option<Delivery> {
    queue.receive(1).await.unwrap().pop()
}

fn execute(file: &Path, sql: &str) {
    rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

/// Counts the commits in the write-ahead log: frames whose header says how large the file then is.
fn commits(machine: &Machine) -> usize {
    let log = std::fs::read(machine.folder.path().join("chatbot.db-wal")).unwrap();
    log[32..].chunks_exact(24 + 4096).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_next_start() {
    let machine = Machine::new();
    let database = machine.open();
    put(&database.store(), "ordered", json!(1), Durability::Ordered).await.unwrap();
    put(&database.store(), "synced", json!(2), Durability::Synced).await.unwrap();
    drop(database);
    let expected = [("ordered".to_owned(), json!(1)), ("synced".to_owned(), json!(2))];
    assert_eq!(values(&machine.open().store()).await, expected);
}

#[tokio::test]
async fn a_synced_write_commits_the_ordered_ones_before_it() {
    let machine = Machine::new();
    let store = machine.open().store();
    for n in 0..20 {
        put(&store, &format!("{n}"), json!(n), Durability::Ordered).await.unwrap();
    }
    put(&store, "synced", json!(true), Durability::Synced).await.unwrap();
    // Another connection sees only what is committed.
    let reader = rusqlite::Connection::open(machine.file()).unwrap();
    let seen: i64 = reader.query_row("SELECT count(*) FROM items", (), |row| row.get(0)).unwrap();
    assert_eq!(seen, 21);
}

#[tokio::test]
async fn ordered_writes_share_the_commit_of_a_synced_one() {
    let machine = Machine::new();
    let store = machine.open().store();
    put(&store, "first", json!(0), Durability::Synced).await.unwrap();
    let before = commits(&machine);
    for n in 0..50 {
        put(&store, &format!("{n}"), json!(n), Durability::Ordered).await.unwrap();
    }
    put(&store, "last", json!(0), Durability::Synced).await.unwrap();
    let shared = commits(&machine) - before;
    assert!((1..=25).contains(&shared), "{shared} commits for 51 writes");
}

#[tokio::test]
async fn ordered_writes_are_committed_although_no_synced_one_follows() {
    let machine = Machine::new();
    let store = machine.open().store();
    put(&store, "first", json!(0), Durability::Synced).await.unwrap();
    let before = commits(&machine);
    put(&store, "ordered", json!(1), Durability::Ordered).await.unwrap();
    while commits(&machine) == before {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let machine = Machine::new();
    drop(machine.open());
    execute(&machine.file(), "PRAGMA user_version = 99");
    let error = machine.try_open().unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }));
    let text = error.to_string();
    assert!(text.contains("chatbot.db") && text.contains("99") && text.contains(" 5"), "{text}");
}

#[tokio::test]
async fn a_second_open_of_one_directory_is_refused() {
    let machine = Machine::new();
    let database = machine.open();
    let error = machine.try_open().unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }));
    assert!(error.to_string().contains(&machine.folder.path().display().to_string()));
    drop(database);
    machine.open();
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let machine = Machine::new();
    std::fs::write(machine.file(), "no database at all, but a text of some length".repeat(100))
        .unwrap();
    assert!(matches!(machine.try_open(), Err(OpenError::NotADatabase { .. })));
}

#[test]
fn a_database_of_another_program_is_refused() {
    let machine = Machine::new();
    execute(&machine.file(), "CREATE TABLE theirs (a)");
    assert!(matches!(machine.try_open(), Err(OpenError::NotADatabase { .. })));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let machine = Machine::new();
    let blocked = machine.folder.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let clock = Arc::<ManualClock>::clone(&machine.clock);
    let error = Database::open(&blocked.join("data").join("chatbot.db"), clock).unwrap_err();
    assert!(matches!(error, OpenError::Unwritable { .. }));
    assert!(error.to_string().contains("data"));
}

#[tokio::test(start_paused = true)]
async fn a_queue_goes_on_after_the_next_start() {
    let machine = Machine::new();
    let queue = machine.open().queue("requests", SETTINGS).unwrap();
    for body in ["a1", "a2", "a3"] {
        send(&queue, "a", body).await.unwrap();
    }
    send(&queue, "b", "poison").await.unwrap();
    send(&queue, "c", "done").await.unwrap();
    receive(&queue).await.unwrap();
    for _ in 0..SETTINGS.max_receive_count {
        let poison = receive(&queue).await.unwrap();
        queue.change_visibility(&poison.receipt, Duration::ZERO).await.unwrap();
    }
    let done = receive(&queue).await.unwrap();
    assert_eq!(done.body, "done");
    queue.delete(&done.receipt).await.unwrap();
    drop(queue);

    let queue = machine.open().queue("requests", SETTINGS).unwrap();
    let first = receive(&queue).await.unwrap();
    assert_eq!(
        (first.body.as_str(), first.receive_count),
        ("a1", 2),
        "what was in flight is available again"
    );
    assert_eq!(receive(&queue).await, None, "the group is locked, and the done message is gone");
    assert_eq!(queue.dead_letters(10).await.unwrap()[0].body, "poison");
    queue.delete(&first.receipt).await.unwrap();
    send(&queue, "c", "done").await.unwrap();
    assert_eq!(receive(&queue).await.unwrap().body, "a2", "a repeated message is dropped");
    assert_eq!(receive(&queue).await, None);
    drop(queue);

    machine.clock.advance(Duration::from_mins(6));
    let queue = machine.open().queue("requests", SETTINGS).unwrap();
    send(&queue, "c", "done").await.unwrap();
    let bodies: Vec<String> =
        queue.receive(10).await.unwrap().into_iter().map(|delivery| delivery.body).collect();
    assert_eq!(bodies, ["a2", "a3", "done"], "after five minutes the id is free");
    assert_eq!(queue.redrive().await.unwrap(), 1);
    drop(queue);
    let queue = machine.open().queue("requests", SETTINGS).unwrap();
    assert_eq!(queue.dead_letters(10).await.unwrap(), []);
    assert_eq!(queue.receive(10).await.unwrap().last().unwrap().body, "poison");
}

#[tokio::test(start_paused = true)]
async fn two_queues_of_one_database_are_apart() {
    let machine = Machine::new();
    let database = machine.open();
    let requests = database.queue("requests", SETTINGS).unwrap();
    let replies = database.queue("replies", SETTINGS).unwrap();
    send(&requests, "g", "same id").await.unwrap_err();
    send(&requests, "g", "same-id").await.unwrap();
    send(&replies, "g", "same-id").await.unwrap();
    assert!(receive(&requests).await.is_some());
    assert!(receive(&replies).await.is_some());
    let again = database.queue("requests", SETTINGS).unwrap();
    assert_eq!(receive(&again).await, None, "the same queue has the same locks");
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let machine = Machine::new();
    let database = machine.open();
    let store = database.store();
    let queue = database.queue("requests", SETTINGS).unwrap();
    database.limit_pages(60).await.unwrap();
    let mut stored = Vec::new();
    let mut sent = Vec::new();
    let mut failures = 0;
    for n in 0..200 {
        let sort = format!("{n:03}");
        let body = format!("m{n:03}");
        let durability = if n % 2 == 0 { Durability::Synced } else { Durability::Ordered };
        match put(&store, &sort, json!("x".repeat(3_000)), durability).await {
            Ok(()) => stored.push((sort, json!("x".repeat(3_000)))),
            Err(StoreError::Unavailable(_)) => failures += 1,
            Err(other) => panic!("{other}"),
        }
        match send(&queue, &body, &body).await {
            Ok(()) => sent.push(body),
            Err(QueueError::Unavailable(_)) => failures += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(failures > 0 && !stored.is_empty() && !sent.is_empty());
    assert_eq!(values(&store).await, stored);

    database.limit_pages(100_000).await.unwrap();
    put(&store, "room", json!("x".repeat(100_000)), Durability::Synced).await.unwrap();
    stored.push(("room".to_owned(), json!("x".repeat(100_000))));
    send(&queue, "again", "again").await.unwrap();
    sent.push("again".to_owned());
    drop((database, store, queue));

    let database = machine.open();
    assert_eq!(values(&database.store()).await, stored);
    let queue = database.queue("requests", SETTINGS).unwrap();
    let bodies: Vec<String> =
        queue.receive(1_000).await.unwrap().into_iter().map(|delivery| delivery.body).collect();
    assert_eq!(bodies, sent);
}

#[tokio::test]
async fn rates_are_counted_without_the_disk() {
    let machine = Machine::new();
    let database = machine.open();
    let store = database.store();
    let now = machine.clock.now();
    for _ in 0..3 {
        assert_eq!(
            counters::count(&store, "who", 3, Duration::from_mins(1), now).await.unwrap(),
            None
        );
    }
    assert!(
        counters::count(&store, "who", 3, Duration::from_mins(1), now).await.unwrap().is_some()
    );
    database.sync().await.unwrap();
    let reader = rusqlite::Connection::open(machine.file()).unwrap();
    let rows: i64 = reader.query_row("SELECT count(*) FROM items", (), |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
    let rate = Write::check(Key::new(format!("{RATE_PREFIX}x"), "N"), vec![Condition::Absent]);
    let other = Write::check(Key::new("p", "s"), vec![Condition::Absent]);
    assert!(matches!(
        store.transact(vec![rate, other], Durability::Synced).await,
        Err(StoreError::Corrupt(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_purge_removes_what_nobody_reads() {
    let machine = Machine::new();
    let database = machine.open();
    let store = database.store();
    let now = machine.clock.now();
    let queue = database.queue("requests", SETTINGS).unwrap();
    for n in 0..3 {
        assert!(
            counters::use_nonce(&store, &n.to_string(), now.plus(Duration::from_secs(30)))
                .await
                .unwrap()
        );
    }
    assert!(Budget::of_day("who", MicroUsd(10), now).reserve(&store, MicroUsd(1)).await.unwrap());
    counters::count(&store, "who", 3, Duration::from_mins(1), now).await.unwrap();
    let attributes = Attributes::from_iter([("expires_at".to_owned(), json!(ExpiresAt::at(now)))]);
    let dead_session = Item { key: Key::new("session", "META"), attributes };
    store.write(Write::put(dead_session, Vec::new()), Durability::Ordered).await.unwrap();
    send(&queue, "g", "done").await.unwrap();
    queue.delete(&receive(&queue).await.unwrap().receipt).await.unwrap();
    send(&queue, "g", "waits").await.unwrap();
    assert_eq!(database.purge_expired(100).await.unwrap(), 0);
    machine.clock.advance(Duration::from_mins(11));
    assert_eq!(database.purge_expired(2).await.unwrap(), 4, "two nonces, a rate and a message");
    assert_eq!(database.purge_expired(100).await.unwrap(), 1, "the last nonce");
    machine.clock.advance(Duration::from_hours(48));
    assert_eq!(database.purge_expired(100).await.unwrap(), 1, "the budget");
    assert_eq!(receive(&queue).await.unwrap().body, "waits");
    let everything = Query { expired: true, ..Query::prefix("session", "", 10) };
    assert_eq!(
        store.query(&everything).await.unwrap().items.len(),
        1,
        "sessions are the cleanup's"
    );
}

#[tokio::test]
async fn events_are_kept_for_ninety_days() {
    let machine = Machine::new();
    let events = machine.open().events();
    let entry =
        |id: &str| EventEntry { id: id.to_owned(), detail_type: "Chat Message", detail: json!({}) };
    events.put(&[entry("1"), entry("2")]).await.unwrap();
    machine.clock.advance(Duration::from_hours(24 * 90));
    events.put(&[entry("3")]).await.unwrap();
    assert_eq!(events.purge(100).await.unwrap(), 0);
    machine.clock.advance(Duration::from_secs(1));
    assert_eq!(events.purge(1).await.unwrap(), 1);
    assert_eq!(events.purge(100).await.unwrap(), 1);
    let left: Vec<String> =
        events.list(0, 10).await.unwrap().into_iter().map(|event| event.id).collect();
    assert_eq!(left, ["3"]);
}

#[tokio::test]
async fn the_numbers_of_events_go_on_after_all_have_been_purged() {
    let machine = Machine::new();
    let entry =
        |id: &str| EventEntry { id: id.to_owned(), detail_type: "Chat Message", detail: json!({}) };
    {
        let database = machine.open();
        database.events().put(&[entry("1"), entry("2"), entry("3")]).await.unwrap();
        assert_eq!(database.statistics().fold().await.unwrap(), 3);
        machine.clock.advance(Duration::from_hours(24 * 91));
        assert_eq!(database.events().purge(100).await.unwrap(), 3);
    }
    // A new process has nothing but the tables to know the last number from.
    let database = machine.open();
    database.events().put(&[entry("4")]).await.unwrap();
    assert_eq!(database.events().list(3, 10).await.unwrap().len(), 1, "a reader's place is passed");
    assert_eq!(database.statistics().fold().await.unwrap(), 1, "it is counted");
}

/// Tells whether a file of the directory holds the word.
fn holds(directory: &Path, word: &str) -> bool {
    std::fs::read_dir(directory).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(word.len()).any(|window| window == word.as_bytes())
    })
}

#[tokio::test]
async fn a_deleted_word_is_in_no_file_while_the_database_is_open() {
    const WORD: &str = "Quittenmarmelade";
    let machine = Machine::new();
    let database = machine.open();
    let store = database.store();
    // One row within a page, and one that needs pages of its own.
    for (sort, length) in [("short", 1), ("long", 2_000)] {
        put(&store, sort, json!(WORD.repeat(length)), Durability::Synced).await.unwrap();
    }
    database.forget_deleted().await.unwrap();
    put(&store, "short", json!(WORD), Durability::Synced).await.unwrap();
    assert!(holds(machine.folder.path(), WORD));
    for sort in ["short", "long"] {
        let delete = Write::delete(Key::new("p", sort), Vec::new());
        store.write(delete, Durability::Synced).await.unwrap();
    }
    database.forget_deleted().await.unwrap();
    assert!(!holds(machine.folder.path(), WORD));
    // The next call has nothing to do, and the database goes on.
    database.forget_deleted().await.unwrap();
    put(&store, "after", json!("x"), Durability::Synced).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_data() {
    use std::os::unix::fs::PermissionsExt as _;

    let machine = Machine::new();
    let directory = machine.folder.path().join("new").join("data");
    let open = || {
        Database::open(&directory.join("chatbot.db"), Arc::<ManualClock>::clone(&machine.clock))
            .unwrap()
    };
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let check = || {
        let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(Result::unwrap).collect();
        assert!(files.len() >= 4, "{files:?}");
        for file in files {
            assert_eq!(mode(&file.path()), 0o600, "{file:?}");
        }
    };
    let database = open();
    put(&database.store(), "a", json!("x"), Durability::Synced).await.unwrap();
    assert_eq!(mode(&directory), 0o700);
    check();
    drop(database);
    // What an older version has left is closed too.
    for file in ["chatbot.db", "chatbot.lock"] {
        let open_to_all = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(directory.join(file), open_to_all).unwrap();
    }
    let database = open();
    put(&database.store(), "b", json!("x"), Durability::Synced).await.unwrap();
    check();
}
