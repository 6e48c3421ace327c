//! The disk below a folder: its file system, and how long it takes to make a page durable.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use super::percentile;

const SYNCS: u32 = 300;
const PAGE: [u8; 4096] = [7; 4096];

/// A disk.
#[derive(Debug, Clone)]
pub struct Disk {
    /// The file system's type, as the kernel calls it.
    pub file_system: String,
    /// The median time of writing a page and syncing it.
    pub sync_median: Duration,
    /// The 99th percentile of the same.
    pub sync_p99: Duration,
}

impl Disk {
    /// Measures the disk below a folder. A file system in memory is refused, because it makes syncs
    /// free.
    pub fn of(folder: &Path) -> anyhow::Result<Self> {
        let mounts =
            fs::read_to_string("/proc/self/mounts").context("the mounts cannot be read")?;
        let folder = folder.canonicalize()?;
        let file_system =
            file_system(&mounts, &folder).context("the folder is on no known file system")?;
        if ["tmpfs", "ramfs"].contains(&&*file_system) {
            bail!("the build folder is on {file_system}, in memory: the bench needs a disk");
        }
        let times = syncs(&folder.join("sync-probe"))?;
        let at = |percent| Duration::from_secs_f64(percentile(times.iter().copied(), percent));
        Ok(Self { file_system, sync_median: at(50), sync_p99: at(99) })
    }
}

/// Overwrites one page again and again, as a write-ahead log in use is overwritten.
fn syncs(path: &Path) -> anyhow::Result<Vec<f64>> {
    let mut file = File::create(path)?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&PAGE)?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64());
    }
    fs::remove_file(path)?;
    Ok(times)
}

/// Finds the mount with the longest path that holds the folder; of two on one path, the later.
fn file_system(mounts: &str, folder: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let holding = mounts.filter(|(path, _)| folder.starts_with(path));
    holding.max_by_key(|(path, _)| path.len()).map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "dev / ext4 rw 0 0\ntmp /tmp tmpfs rw 0 0\ndev /tmp/disk xfs rw 0 0\n";

    #[track_caller]
    fn check(folder: &str, expected: &str) {
        assert_eq!(file_system(MOUNTS, Path::new(folder)).as_deref(), Some(expected));
    }

    #[test]
    fn the_deepest_mount_tells_the_file_system() {
        check("/srv/data", "ext4");
        check("/tmp/a", "tmpfs");
        check("/tmp/disk/a", "xfs");
        check("/tmpfoo", "ext4");
    }
}
