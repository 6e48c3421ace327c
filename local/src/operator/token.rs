//! The operator's token, and the file that says where the server is.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use shared::operator::ServerAddress;
use shared::ports::Ids;

use crate::private_file;

const FILE: &str = "operator.token";

/// Reads the token of the data directory, and makes one at the first start, readable by its owner
/// alone.
pub fn load(data_dir: &Path, ids: &dyn Ids) -> anyhow::Result<SecretString> {
    let path = data_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned().into()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", path.display()));
        }
    }
    let token = private_file::secret(ids);
    private_file::write(&path, &token)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(token.into())
}

/// The file that says where the server is, for as long as it runs.
pub struct AddressFile(PathBuf);

impl AddressFile {
    /// Writes it. A server that listens everywhere is found on this machine.
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
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self(path))
    }

    /// Removes it; a server that is killed leaves it behind.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!(%error, "the file that says where the server is was gone already");
        }
    }
}
