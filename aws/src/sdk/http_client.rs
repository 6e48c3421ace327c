//! The one pool of connections of a process.

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::{IDLE_TIMEOUT, roots};

/// Makes the pool: HTTP/1 or 2 over rustls with `ring`, without Nagle's delay.
pub(super) fn http_client() -> SharedHttpClient {
    let tls =
        TlsContext::builder().with_trust_store(roots::trust_store()).build().unwrap_or_default();
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls);
    SharedHttpClient::new(Unprobed(builder.pool_idle_timeout(IDLE_TIMEOUT).build_https()))
}

/// A client that is not tried out.
///
/// Each service's client would have a connector made, with all roots in it, only to see that it can
/// be made, and drop it again: that took most of a function's start.
#[derive(Debug)]
struct Unprobed(SharedHttpClient);

impl HttpClient for Unprobed {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        parts: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, parts)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}
