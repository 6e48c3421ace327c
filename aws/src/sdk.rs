//! Region, credentials, endpoints, timeouts and retries of every client.
//!
//! The configuration is built by hand: `aws-config` would add profiles, single sign-on and instance
//! metadata, none of which a function has, and would slow down the start.
//!
//! Retries follow one rule. The SDK repeats a call once if repeating it is provably harmless:
//! reads, sends with a deduplication id, transactions with their token. That hides a connection
//! that died while the function was frozen. All other retries are made by the handlers, which know
//! their deadlines and can tell a lost acknowledgement from a lost race. A single conditional write
//! is never repeated here: if the first attempt succeeded and only its response was lost, the
//! second one fails its condition and would look like a lost race.

mod http_client;
pub(crate) mod roots;
mod settings;

use std::time::Duration;

use aws_credential_types::Credentials as SdkCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use secrecy::ExposeSecret as _;

pub use settings::{Credentials, SdkSettings, Service};

/// The longest that connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest pause before the retry.
const BACKOFF: Duration = Duration::from_millis(50);
/// How long an idle connection is kept. The services keep theirs longer, so that no call is sent on
/// a connection that the other end has just closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The configuration that all clients of a process share, including one connection pool.
#[derive(Debug, Clone)]
pub struct Sdk {
    shared: SdkConfig,
    settings: SdkSettings,
}

impl Sdk {
    /// Creates the shared configuration. Makes no call.
    pub fn new(settings: SdkSettings) -> Self {
        Self::with_http_client(settings, http_client::http_client())
    }

    /// Creates the shared configuration with another HTTP client, such as one with recorded
    /// responses in tests.
    pub fn with_http_client(settings: SdkSettings, http_client: SharedHttpClient) -> Self {
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(credentials(&settings.credentials))
            .http_client(http_client)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self { shared, settings }
    }

    /// Returns the configuration for one service's client.
    pub fn config(&self, service: Service) -> SdkConfig {
        let mut config = self.shared.to_builder();
        config.set_endpoint_url(self.settings.endpoint(service).map(str::to_owned));
        config.timeout_config(timeouts(service)).retry_config(retries(service)).build()
    }
}

/// Returns the retry configuration for calls that may be repeated.
pub(crate) fn retry_once() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(2).with_initial_backoff(BACKOFF)
}

fn retries(service: Service) -> RetryConfig {
    match service {
        // Writes, and calls that a retry would only delay. Calls that may be repeated override
        // this.
        Service::DynamoDb | Service::Connections | Service::RdsData => RetryConfig::disabled(),
        Service::Sqs
        | Service::EventBridge
        | Service::SecretsManager
        | Service::Ssm
        | Service::Logs => retry_once(),
    }
}

fn timeouts(service: Service) -> TimeoutConfig {
    let attempt = match service {
        Service::DynamoDb | Service::Connections | Service::EventBridge => Duration::from_secs(2),
        Service::Sqs | Service::SecretsManager | Service::Ssm => Duration::from_secs(3),
        Service::RdsData | Service::Logs => Duration::from_secs(10),
    };
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .build()
}

fn credentials(credentials: &Credentials) -> SharedCredentialsProvider {
    let Credentials { access_key_id, secret_access_key, session_token } = credentials;
    let session_token = session_token.as_ref().map(|token| token.expose_secret().to_owned());
    SharedCredentialsProvider::new(SdkCredentials::from_keys(
        access_key_id,
        secret_access_key.expose_secret(),
        session_token,
    ))
}
