//! Connections that only read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use crate::sqlite::error::DatabaseError;

/// How many searches read at the same time; others wait. Each connection has a page cache.
const MAX_READERS: usize = 2;

/// Runs reads beside the thread that writes, so that neither waits for the other.
#[derive(Debug)]
pub(in crate::sqlite) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(in crate::sqlite) fn new(file: PathBuf) -> Self {
        Self { file, idle: Mutex::default(), permits: Arc::new(Semaphore::new(MAX_READERS)) }
    }

    /// Runs `work` in a read transaction: it sees the database as it is at one moment.
    pub(in crate::sqlite) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let readers = Arc::clone(self);
        let run = move || {
            let _permit = permit;
            let mut connection = readers.take()?;
            let transaction = connection.transaction()?;
            let result = work(&transaction)?;
            transaction.finish()?;
            // One that failed is not used again.
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok(result)
        };
        let read: rusqlite::Result<T> =
            tokio::task::spawn_blocking(run).await.map_err(|_| DatabaseError::Panicked)?;
        Ok(read?)
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(connection) = idle {
            return Ok(connection);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 1000;")?;
        Ok(connection)
    }
}
