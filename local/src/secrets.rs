//! API keys from the environment, and signing keys in the data directory.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use secrecy::{SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use shared::domain::ProviderName;
use shared::ports::{Ids, Secrets, SecretsError, SigningKey, SigningKeys};

use crate::private_file;

const FILE: &str = "signing-keys.json";
/// The first key signs, all keys verify. To rotate, put a new key first, and remove the old one
/// after seven days.
const MAX_KEYS: usize = 2;

/// The keys of one machine, read at start.
pub struct LocalSecrets {
    claude: Option<SecretString>,
    openai: Option<SecretString>,
    bedrock: Option<SecretString>,
    signing: SigningKeys,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    id: String,
    /// In hexadecimal, at least 32 bytes.
    key: String,
}

impl LocalSecrets {
    /// Reads the signing keys. At the first start it creates one that only the owner can read.
    pub fn open(
        data_dir: &Path,
        ids: &dyn Ids,
        claude: Option<SecretString>,
        openai: Option<SecretString>,
        bedrock: Option<SecretString>,
    ) -> anyhow::Result<Self> {
        let path = data_dir.join(FILE);
        if !path.exists() {
            create(&path, ids).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(Self { claude, openai, bedrock, signing: read(&path)? })
    }
}

#[async_trait]
impl Secrets for LocalSecrets {
    async fn provider_key(
        &self,
        provider: ProviderName,
    ) -> Result<Option<SecretString>, SecretsError> {
        Ok(match provider {
            ProviderName::Claude => self.claude.clone(),
            ProviderName::OpenAi => self.openai.clone(),
            ProviderName::Bedrock => self.bedrock.clone(),
            ProviderName::Offline => None,
        })
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        Ok(self.signing.clone())
    }

    /// Does nothing: the environment of a process does not change.
    async fn refresh(&self, _: ProviderName) -> bool {
        false
    }
}

fn create(path: &Path, ids: &dyn Ids) -> anyhow::Result<()> {
    let key = StoredKey { id: ids.id(), key: private_file::secret(ids) };
    Ok(private_file::write(path, &serde_json::to_string_pretty(&[key])?)?)
}

fn read(path: &Path) -> anyhow::Result<SigningKeys> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let stored: Vec<StoredKey> = serde_json::from_str(&text).with_context(|| {
        format!("{} is not a list of signing keys; delete it to create a new one", path.display())
    })?;
    let keys: Option<Vec<SigningKey>> = stored.into_iter().map(decode).collect();
    let keys = keys.filter(|keys| (1..=MAX_KEYS).contains(&keys.len()));
    let keys = keys.with_context(|| {
        format!("{} must contain one or two keys of at least 32 bytes", path.display())
    })?;
    Ok(SigningKeys(keys))
}

fn decode(stored: StoredKey) -> Option<SigningKey> {
    let digits = stored.key.as_bytes();
    let pairs = digits.chunks_exact(2).map(|pair| std::str::from_utf8(pair).ok());
    let bytes: Option<Vec<u8>> = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
    let bytes = bytes.filter(|bytes| bytes.len() >= 32 && digits.len() == bytes.len() * 2)?;
    Some(SigningKey { id: stored.id, key: Arc::new(SecretSlice::from(bytes)) })
}
