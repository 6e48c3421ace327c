//! Keys that may be away.

use async_trait::async_trait;
use secrecy::SecretString;
use shared::domain::ProviderName;
use shared::ports::{Secrets, SecretsError, SigningKeys};

use super::Rig;
use crate::faults::Op;

pub(super) struct FaultySecrets {
    pub(super) rig: Rig,
}

fn away<T>() -> Result<T, SecretsError> {
    Err(SecretsError("simulated".into()))
}

#[async_trait]
impl Secrets for FaultySecrets {
    async fn provider_key(
        &self,
        provider: ProviderName,
    ) -> Result<Option<SecretString>, SecretsError> {
        let call = self.rig.cloud.secrets.provider_key(provider);
        self.rig.process.around(Op::Keys, call, away).await
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        self.rig.process.around(Op::Keys, self.rig.cloud.secrets.signing_keys(), away).await
    }

    async fn refresh(&self, provider: ProviderName) -> bool {
        self.rig.cloud.secrets.refresh(provider).await
    }
}
