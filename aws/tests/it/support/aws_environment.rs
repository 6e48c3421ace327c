//! Where the suites run: on `moto`, or in a real account.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws::sdk::{Credentials, Sdk, SdkSettings};

use super::config::environment;
use super::moto::Moto;

/// Clients, and the names of what they may create.
pub(crate) struct AwsEnvironment {
    pub(crate) sdk: Sdk,
    /// Whether the services are the real ones.
    pub(crate) real: bool,
    prefix: String,
    count: AtomicUsize,
    _moto: Option<Moto>,
}

impl AwsEnvironment {
    /// Returns a aws on `moto`, unless it is not installed.
    pub(crate) fn on_moto() -> Option<Self> {
        let moto = Moto::start()?;
        let sdk = Sdk::new(settings(&moto.url));
        Some(Self {
            sdk,
            real: false,
            prefix: "test".to_owned(),
            count: AtomicUsize::new(0),
            _moto: Some(moto),
        })
    }

    /// Returns a aws in the account of the environment's credentials, if a prefix of names is
    /// given.
    pub(crate) fn in_an_account() -> Option<Self> {
        let environment = environment();
        let prefix = environment.text("CHATBOT_AWS_CONFORMANCE")?;
        let settings = SdkSettings::from_env(&environment).unwrap();
        let prefix = format!("{prefix}-{}", std::process::id());
        Some(Self {
            sdk: Sdk::new(settings),
            real: true,
            prefix,
            count: AtomicUsize::new(0),
            _moto: None,
        })
    }

    /// Returns all homes that are there.
    pub(crate) fn all() -> Vec<Self> {
        [Self::on_moto(), Self::in_an_account()].into_iter().flatten().collect()
    }

    /// Returns a name that nothing else has.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.prefix, self.count.fetch_add(1, Ordering::SeqCst))
    }
}

/// Returns the settings of clients of something on this machine.
pub(crate) fn settings(url: &str) -> SdkSettings {
    SdkSettings {
        region: "eu-central-1".to_owned(),
        credentials: Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "canary-of-the-secret-access-key".into(),
            session_token: None,
        },
        endpoint: Some(url.to_owned()),
        endpoints: BTreeMap::new(),
    }
}
