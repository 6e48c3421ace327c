//! What can go wrong.

use std::path::PathBuf;
use std::sync::Arc;

use shared::ports::{DocumentsError, EventsError, QueueError, StoreError};

/// The reason why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses the data directory.
    #[error("another process uses the data directory {}", directory.display())]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// The folder or a file in it cannot be written.
    #[error("the data directory {} cannot be written", directory.display())]
    Unwritable {
        /// The directory.
        directory: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is no database of this program.
    #[error("{} is not a database of this program", file.display())]
    NotADatabase {
        /// The file.
        file: PathBuf,
    },
    /// A newer version of this program wrote the database.
    #[error("{} has schema version {found}, but this program knows only versions up to \
        {known}", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// The version that it has.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Anything else that `SQLite` reports.
    #[error("{} cannot be opened", file.display())]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// What `SQLite` reports.
        source: rusqlite::Error,
    },
    /// The thread that owns the database has ended.
    #[error("the database is closed")]
    Closed(#[source] Failure),
}

/// The reason why the database did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// `SQLite` failed.
    #[error("the database failed")]
    Sqlite(#[source] Arc<rusqlite::Error>),
    /// The thread that owns the database has ended.
    #[error("the database is closed")]
    Closed,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match &failure {
            Failure::Sqlite(error)
                if matches!(**error, rusqlite::Error::FromSqlConversionFailure(..)) =>
            {
                Self::Corrupt(failure.into())
            }
            _ => Self::Unavailable(failure.into()),
        }
    }
}

impl From<Failure> for QueueError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(failure.into())
    }
}

impl From<Failure> for EventsError {
    fn from(failure: Failure) -> Self {
        Self(failure.into())
    }
}

impl From<Failure> for DocumentsError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(failure.into())
    }
}
