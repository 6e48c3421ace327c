//! The HTTP client that all calls outside share: providers, and issuers' keys.

mod roots;

use std::sync::Arc;
use std::time::Duration;

use crate::environment::{ConfigError, Environment};
use reqwest::{Client, redirect, retry};
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, ring};

use self::roots::SystemRoots;

const IDLE_CONNECTION: Duration = Duration::from_mins(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The settings of [`build`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSettings {
    /// How long to wait for a connection, TLS included (`CHATBOT_CONNECT_TIMEOUT_MS`).
    pub connect_timeout: Duration,
}

impl ClientSettings {
    /// Reads the settings.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { connect_timeout: environment.millis_or("CHATBOT_CONNECT_TIMEOUT_MS", 3_000)? })
    }
}

/// The reason why the client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS settings do not fit together.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The client refused its settings.
    #[error("the HTTP client cannot be set up")]
    Http(#[from] reqwest::Error),
}

/// Builds the client: one for a process, so that connections are shared.
///
/// It needs no process-wide TLS default, and reads the system's root certificates at the first TLS
/// connection, so that a plain HTTP address works where none are installed.
/// It never retries (the caller has the one policy), follows no redirect (a redirect would carry
/// the prompt elsewhere), and ignores the proxy variables of the environment (all settings are in
/// `Config`).
pub fn build(settings: ClientSettings) -> Result<Client, ClientError> {
    let mut tls = tls()?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(settings.connect_timeout)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEP_ALIVE)
        .pool_idle_timeout(IDLE_CONNECTION)
        // A function that was frozen holds connections that died unseen.
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE)
        .retry(retry::never())
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("learning-yogi-chatbot/", env!("CARGO_PKG_VERSION")));
    Ok(client.build()?)
}

/// Returns TLS as the client has it, for connections that are no HTTP.
pub fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(SystemRoots::new(provider)))
        .with_no_client_auth())
}
