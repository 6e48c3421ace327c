//! What is left of the disk.

use std::path::PathBuf;

/// Returns how many bytes the server may still write on the disk of a folder, where the system
/// tells.
///
/// Asked beside the runtime's threads: a disk that does not answer keeps nobody else.
#[cfg(unix)]
pub(super) async fn free_bytes(folder: PathBuf) -> Option<u64> {
    let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&folder)).await;
    let disk = asked.ok()?.ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Tells nothing: this system is asked in another way.
#[cfg(not(unix))]
pub(super) async fn free_bytes(_: PathBuf) -> Option<u64> {
    None
}
