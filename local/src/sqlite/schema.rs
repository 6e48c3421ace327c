//! Tables and migrations.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use super::{OpenError, Synchronous};
use crate::private_file;

/// Marks the file as this program's: `LYcb`.
const APPLICATION_ID: i64 = 0x4C59_6362;

/// The migration from each version to the next. The version of a database is the number of
/// migrations that it has been through.
const MIGRATIONS: &[&str] = &[
    "CREATE TABLE items (
        partition TEXT NOT NULL,
        sort TEXT NOT NULL,
        attributes TEXT NOT NULL,
        expires_at INTEGER,
        due INTEGER,
        PRIMARY KEY (partition, sort)
    ) STRICT;
    CREATE INDEX items_due ON items (due) WHERE due IS NOT NULL;
    CREATE TABLE messages (
        seq INTEGER PRIMARY KEY,
        queue TEXT NOT NULL,
        message_group TEXT NOT NULL,
        deduplication_id TEXT NOT NULL,
        body TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        receive_count INTEGER NOT NULL,
        state INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        detail_type TEXT NOT NULL,
        detail TEXT NOT NULL,
        published_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE documents (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        content TEXT NOT NULL,
        owner TEXT,
        version TEXT NOT NULL
    ) STRICT;",
    "CREATE TABLE figures (
        width INTEGER NOT NULL,
        at INTEGER NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        synthetic INTEGER NOT NULL,
        figures TEXT NOT NULL,
        PRIMARY KEY (width, at, provider, model, synthetic)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE document_figures (
        at INTEGER NOT NULL,
        document_id TEXT NOT NULL,
        turns INTEGER NOT NULL,
        cost_micro_usd INTEGER NOT NULL,
        PRIMARY KEY (at, document_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE folded (seq INTEGER NOT NULL) STRICT;
    INSERT INTO folded (seq) VALUES (0);",
    // The figures of quarters of a day are made of the events, and with them all others anew.
    "DROP TABLE document_figures;
    CREATE TABLE document_figures (
        width INTEGER NOT NULL,
        at INTEGER NOT NULL,
        document_id TEXT NOT NULL,
        turns INTEGER NOT NULL,
        cost_micro_usd INTEGER NOT NULL,
        PRIMARY KEY (width, at, document_id)
    ) STRICT, WITHOUT ROWID;
    DELETE FROM figures;
    UPDATE folded SET seq = 0;",
    // Latencies were recorded in steps of a factor of 1.41. Figures whose events are all there are
    // deleted, and made again from the events; older ones are kept. If the first event is not
    // number 1, others before it were purged: then the figures of the span that it lies in are not
    // made from events alone, and are kept too. See `Refolding` in `statistics.rs`.
    "DROP TABLE IF EXISTS refolding;
    CREATE TABLE refolding (until INTEGER NOT NULL, kept INTEGER NOT NULL) STRICT;
    INSERT INTO refolding (until, kept)
        SELECT seq, coalesce(
            (SELECT CASE seq WHEN 1 THEN -1 ELSE published_at END
             FROM events ORDER BY seq LIMIT 1), -1)
        FROM folded;
    DELETE FROM figures
        WHERE at + width > (SELECT published_at FROM events ORDER BY seq LIMIT 1)
        AND at > (SELECT kept FROM refolding);
    UPDATE folded SET seq = 0;",
    // Passages and their index. All documents came from a start, and the next one loads them again.
    "DROP TABLE documents;
    CREATE TABLE documents (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        content TEXT NOT NULL,
        owner TEXT,
        version TEXT NOT NULL,
        source_url TEXT,
        changed_at INTEGER NOT NULL,
        loaded INTEGER NOT NULL,
        scope INTEGER NOT NULL DEFAULT 0,
        first INTEGER NOT NULL DEFAULT 0,
        passages INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    DROP TABLE IF EXISTS scopes;
    DROP TABLE IF EXISTS passages;
    DROP TABLE IF EXISTS passage_lengths;
    DROP TABLE IF EXISTS postings;
    CREATE TABLE scopes (
        id INTEGER PRIMARY KEY,
        owner TEXT NOT NULL UNIQUE,
        passages INTEGER NOT NULL DEFAULT 0,
        terms INTEGER NOT NULL DEFAULT 0,
        next INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE passages (
        scope INTEGER NOT NULL,
        number INTEGER NOT NULL,
        document INTEGER NOT NULL,
        ordinal INTEGER NOT NULL,
        start INTEGER NOT NULL,
        end INTEGER NOT NULL,
        headings TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (scope, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE passage_lengths (
        scope INTEGER NOT NULL,
        block INTEGER NOT NULL,
        lengths BLOB NOT NULL,
        PRIMARY KEY (scope, block)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE postings (
        scope INTEGER NOT NULL,
        term TEXT NOT NULL,
        block INTEGER NOT NULL,
        entries BLOB NOT NULL,
        PRIMARY KEY (scope, term, block)
    ) STRICT, WITHOUT ROWID;",
];

/// Opens the file and migrates it to the newest version.
pub(super) fn open(file: &Path, synchronous: Synchronous) -> Result<Connection, OpenError> {
    // SQLite gives the files beside the database (`-wal`, `-shm`) the permissions of the database.
    private_file::create(file).map_err(|source| OpenError::Unwritable {
        directory: file.parent().unwrap_or(file).to_owned(),
        source,
    })?;
    let connection = Connection::open(file).map_err(|error| refine(file, error))?;
    check(file, &connection)?;
    configure(&connection, synchronous).map_err(|error| refine(file, error))?;
    migrate(&connection).map_err(|error| refine(file, error))?;
    Ok(connection)
}

fn check(file: &Path, connection: &Connection) -> Result<(), OpenError> {
    let number = |pragma| pragma_number(connection, pragma).map_err(|error| refine(file, error));
    let version = number("user_version")?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let application = number("application_id")?;
    let pages = number("page_count")?;
    if pages > 0 && application != APPLICATION_ID {
        return Err(OpenError::NotADatabase { file: file.to_owned() });
    }
    if version > known {
        return Err(OpenError::Newer { file: file.to_owned(), found: version, known });
    }
    Ok(())
}

fn configure(connection: &Connection, synchronous: Synchronous) -> rusqlite::Result<()> {
    // A checkpoint every 2,000 pages (8 MB): with more, each would stall writes for longer; with
    // fewer, frequently changed pages would be written more often.
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = {synchronous};
         PRAGMA foreign_keys = ON;
         PRAGMA busy_timeout = 5000;
         PRAGMA wal_autocheckpoint = 2000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -65536;
         PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;"
    ))?;
    // Without this, SQLite plans a statement again whenever the bounds of a range change.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let version = usize::try_from(pragma_number(connection, "user_version")?).unwrap_or(0);
    if version >= MIGRATIONS.len() {
        return Ok(());
    }
    let steps = MIGRATIONS.iter().skip(version).copied().collect::<String>();
    let newest = MIGRATIONS.len();
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         {steps}
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {newest};
         COMMIT;"
    ))
}

fn pragma_number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

fn refine(file: &Path, error: rusqlite::Error) -> OpenError {
    let file = file.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { file },
        _ => OpenError::Sqlite { file, source: error },
    }
}
