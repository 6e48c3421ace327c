//! The lock that keeps a second process from using the data directory.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::OpenError;
use crate::private_file;

/// Locks a data directory, and creates the directory if it is absent.
///
/// The lock is held until the file is dropped. The operating system releases it when the process
/// ends, even if it is killed.
pub(super) fn acquire(directory: &Path) -> Result<File, OpenError> {
    let unwritable = |source| OpenError::Unwritable { directory: directory.to_owned(), source };
    private_file::create_directory(directory).map_err(unwritable)?;
    let file = private_file::create(&directory.join("chatbot.lock")).map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { directory: directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unwritable(source)),
    }
}
