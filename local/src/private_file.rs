//! Files of the data directory that only their owner may read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use shared::ports::Ids;

/// Writes a file that only its owner can read.
///
/// It is written and synced under another name first, so that a crash leaves no partial file.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

/// Creates a secret of 32 random bytes, in hexadecimal.
pub(crate) fn secret(ids: &dyn Ids) -> String {
    format!("{:032x}{:032x}", u128::from_be_bytes(ids.random()), u128::from_be_bytes(ids.random()))
}
