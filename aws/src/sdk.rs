//! Region, credentials, endpoints, timeouts and retries of every client.
//!
//! The configuration is made by hand: `aws-config` would bring profiles, single sign-on and
//! instance metadata, none of which a function has, and a slower start.
//!
//! One rule for retries: the SDK repeats a call once where the repetition is provably harmless
//! (reads, sends with a deduplication id, transactions with their token), which hides a connection
//! that died while the function was frozen. Everything beyond that is the handlers'
//! [retries](shared::store_retry), who know their deadlines and tell a lost acknowledgement from a
//! lost race. A single conditional write is never repeated here.

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

pub use settings::{Credentials, Service, Settings};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest pause before the one repetition.
const BACKOFF: Duration = Duration::from_millis(50);
/// How long a connection without a call is kept: less than what the services' own ends do.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// What all clients of a process share: one pool of connections above all.
#[derive(Debug, Clone)]
pub struct Sdk {
    shared: SdkConfig,
    settings: Settings,
}

impl Sdk {
    /// Prepares the clients. No call is made.
    pub fn new(settings: Settings) -> Self {
        Self::with_http_client(settings, http_client::http_client())
    }

    /// Prepares the clients on another way to the network; tests hand in recorded answers.
    pub fn with_http_client(settings: Settings, http_client: SharedHttpClient) -> Self {
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

    /// Returns the configuration of one service's client, for calls that no port has.
    pub fn config(&self, service: Service) -> SdkConfig {
        let mut config = self.shared.to_builder();
        config.set_endpoint_url(self.settings.endpoint(service).map(str::to_owned));
        config.timeout_config(timeouts(service)).retry_config(retries(service)).build()
    }
}

/// Returns the retries of calls that may be repeated.
pub(crate) fn repeated_once() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(2).with_initial_backoff(BACKOFF)
}

fn retries(service: Service) -> RetryConfig {
    match service {
        // Writes, and what a second try would only delay; the callers that may repeat say so.
        Service::DynamoDb | Service::Connections | Service::RdsData => RetryConfig::disabled(),
        Service::Sqs
        | Service::EventBridge
        | Service::SecretsManager
        | Service::Ssm
        | Service::Logs => repeated_once(),
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
