//! The thread that writes to the database, and commits in groups.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::Context as _;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -65536;
    CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL,
        message_id TEXT NOT NULL,
        message TEXT NOT NULL,
        reply TEXT
    ) STRICT;";
const INSERT: &str = "INSERT INTO messages (session, message_id, message) VALUES (?1, ?2, ?3)";
const UPDATE: &str = "UPDATE messages SET reply = ?2 WHERE id = ?1";

/// Something to store.
#[derive(Debug)]
pub(super) enum Row {
    Message { session: String, message_id: String, message: String },
    Reply { id: i64, text: String },
}

/// A row, and the channel on which its commit is reported.
type Job = (Row, oneshot::Sender<i64>);

/// A handle of the thread.
#[derive(Debug)]
pub(super) struct Writer(Sender<Job>);

impl Writer {
    /// Opens the database and starts the thread.
    pub(super) fn start(file: &Path) -> anyhow::Result<Self> {
        let connection = Connection::open(file)?;
        connection.execute_batch(SCHEMA)?;
        let (jobs, waiting) = channel();
        std::thread::Builder::new()
            .name("sqlite".to_owned())
            .spawn(move || run(&connection, &waiting))?;
        Ok(Self(jobs))
    }

    /// Stores the row, and returns its id once it is durable.
    pub(super) async fn store(&self, row: Row) -> anyhow::Result<i64> {
        let (caller, stored) = oneshot::channel();
        self.0.send((row, caller)).ok().context("the writer has ended")?;
        stored.await.context("the row was not stored")
    }
}

fn run(connection: &Connection, waiting: &Receiver<Job>) {
    let mut group = Vec::new();
    while let Ok(first) = waiting.recv() {
        // A failure drops the group, and with it everybody's channel: each caller is told.
        if commit(connection, first, waiting, &mut group).is_err() {
            drop(connection.execute_batch("ROLLBACK"));
            group.clear();
        }
        for (caller, id) in group.drain(..) {
            // A client that has gone needs no answer.
            let _ = caller.send(id);
        }
    }
}

fn commit(
    connection: &Connection,
    first: Job,
    waiting: &Receiver<Job>,
    group: &mut Vec<(oneshot::Sender<i64>, i64)>,
) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
    let mut next = Some(first);
    while let Some((row, caller)) = next {
        group.push((caller, write(connection, row)?));
        next = waiting.try_recv().ok();
    }
    connection.prepare_cached("COMMIT")?.execute(()).map(drop)
}

fn write(connection: &Connection, row: Row) -> rusqlite::Result<i64> {
    match row {
        Row::Message { session, message_id, message } => {
            connection.prepare_cached(INSERT)?.insert(params![session, message_id, message])
        }
        Row::Reply { id, text } => {
            connection.prepare_cached(UPDATE)?.execute(params![id, text]).map(|_| id)
        }
    }
}
