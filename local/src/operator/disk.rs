//! Free disk space.

use std::path::PathBuf;

/// Returns the free bytes on the disk of a directory; `None` if the system does not tell.
///
/// Runs outside the runtime's worker threads, because a hanging disk would block them.
#[cfg(unix)]
pub(super) async fn free_bytes(folder: PathBuf) -> Option<u64> {
    let stats = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&folder)).await;
    let disk = stats.ok()?.ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Returns `None`: not implemented for this system.
#[cfg(not(unix))]
pub(super) async fn free_bytes(_: PathBuf) -> Option<u64> {
    None
}
