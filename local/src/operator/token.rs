//! The operator token, and the file that says where the server is.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use shared::operator::Address;
use shared::ports::Ids;

const FILE: &str = "operator.token";

/// What proves an operator.
pub struct OperatorToken(SecretString);

impl OperatorToken {
    /// Takes the configured token, or that of the data directory, which is made at the first start.
    pub fn open(data_dir: &Path, configured: Option<&SecretString>, ids: &dyn Ids) -> anyhow::Result<Self> {
        if let Some(token) = configured {
            return Ok(Self(token.clone()));
        }
        let path = data_dir.join(FILE);
        let failed = |what: &str| format!("{} cannot be {what}", path.display());
        if !path.exists() {
            write(&path, &format!("{}{}\n", ids.id(), ids.id())).with_context(|| failed("written"))?;
        }
        let token = fs::read_to_string(&path).with_context(|| failed("read"))?.trim().to_owned();
        anyhow::ensure!(
            !token.is_empty(),
            "{} is empty: remove it, and the next start makes a new one",
            path.display()
        );
        Ok(Self(token.into()))
    }

    /// Compares in a time that tells nothing but the length.
    pub fn is(&self, given: &str) -> bool {
        let (ours, given) = (self.0.expose_secret().as_bytes(), given.as_bytes());
        let differing = ours.iter().zip(given).fold(0, |differing, (one, other)| differing | (one ^ other));
        ours.len() == given.len() && std::hint::black_box(differing) == 0
    }
}

/// The file that says where the server is, for as long as it runs.
pub struct Announcement(PathBuf);

impl Announcement {
    /// Writes the file.
    pub fn write(data_dir: &Path, address: SocketAddr, token: &OperatorToken) -> anyhow::Result<Self> {
        let path = data_dir.join(Address::FILE);
        let ip = if address.ip().is_unspecified() { [127, 0, 0, 1].into() } else { address.ip() };
        let url = format!("http://{}", SocketAddr::new(ip, address.port()));
        let text = serde_json::to_string(&Address { url, token: token.0.expose_secret().to_owned() })?;
        write(&path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self(path))
    }

    /// Removes it: nobody is there any more.
    pub fn remove(self) {
        drop(fs::remove_file(self.0));
    }
}

/// Writes a file that only its owner can read, whole or not at all.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    drop(fs::remove_file(&new));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_and_nothing_else() {
        let token = OperatorToken("secret".to_owned().into());
        assert!(token.is("secret"));
        for other in ["", "secre", "secret!", "Secret"] {
            assert!(!token.is(other), "{other}");
        }
    }
}
