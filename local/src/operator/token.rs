//! The operator token, and the file with the server's address.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use shared::operator::ServerAddress;
use shared::ports::Ids;

use crate::private_file;

const FILE: &str = "operator.token";

/// Reads the token in the data directory. At the first start it creates one that only the owner can
/// read.
pub fn load(data_dir: &Path, ids: &dyn Ids) -> anyhow::Result<SecretString> {
    let path = data_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned().into()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    }
    let token = private_file::secret(ids);
    private_file::write(&path, &token)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(token.into())
}

/// The file with the server's address and token, which exists while the server runs.
pub struct ServerAddressFile(PathBuf);

impl ServerAddressFile {
    /// Writes the file. For a server that listens on all interfaces it contains the loopback
    /// address.
    pub fn write(
        data_dir: &Path,
        address: SocketAddr,
        token: &SecretString,
    ) -> anyhow::Result<Self> {
        let mut reachable = address;
        if address.ip().is_unspecified() {
            reachable.set_ip(if address.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        let address = ServerAddress {
            url: format!("http://{reachable}"),
            token: token.expose_secret().to_owned(),
        };
        let path = data_dir.join(ServerAddress::FILE);
        let text = serde_json::to_string(&address)?;
        private_file::write(&path, &text)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(path))
    }

    /// Removes the file. A server that is killed leaves it behind.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!(%error, "could not remove the file with the server's address");
        }
    }
}
