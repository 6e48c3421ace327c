//! Errors of the database.

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
    /// The directory or a file in it cannot be written.
    #[error("the data directory {} cannot be written", directory.display())]
    Unwritable {
        /// The directory.
        directory: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not a database of this program.
    #[error("{} is not a database of this program", file.display())]
    NotADatabase {
        /// The file.
        file: PathBuf,
    },
    /// A newer version of this program wrote the database.
    #[error("{} has schema version {found}, but this program supports only versions up to \
        {known}", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of the file.
        found: i64,
        /// The newest version that this program supports.
        known: i64,
    },
    /// Any other error of `SQLite`.
    #[error("{} cannot be opened", file.display())]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// The error of `SQLite`.
        source: rusqlite::Error,
    },
    /// The thread that owns the database has ended.
    #[error("the database is closed")]
    Closed(#[source] DatabaseError),
}

/// The error of an operation on the database.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DatabaseError {
    /// `SQLite` returned an error.
    #[error("the database failed")]
    Sqlite(#[source] Arc<rusqlite::Error>),
    /// The thread that owns the database has ended.
    #[error("the database is closed")]
    Closed,
    /// A job panicked; the writes of its batch were rolled back.
    #[error("an operation on the database panicked")]
    Panicked,
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<DatabaseError> for StoreError {
    fn from(failure: DatabaseError) -> Self {
        match &failure {
            DatabaseError::Sqlite(error)
                if matches!(**error, rusqlite::Error::FromSqlConversionFailure(..)) =>
            {
                Self::Corrupt(failure.into())
            }
            _ => Self::Unavailable(failure.into()),
        }
    }
}

impl From<DatabaseError> for QueueError {
    fn from(failure: DatabaseError) -> Self {
        Self::Unavailable(failure.into())
    }
}

impl From<DatabaseError> for EventsError {
    fn from(failure: DatabaseError) -> Self {
        Self(failure.into())
    }
}

impl From<DatabaseError> for DocumentsError {
    fn from(failure: DatabaseError) -> Self {
        Self::Unavailable(failure.into())
    }
}
