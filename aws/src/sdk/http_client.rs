//! The HTTP client with the connection pool that all SDK clients share.

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::{IDLE_TIMEOUT, roots};

/// Creates the client: HTTP/1 or HTTP/2 over rustls with `ring`, without Nagle's algorithm.
pub(super) fn http_client() -> SharedHttpClient {
    let tls =
        TlsContext::builder().with_trust_store(roots::trust_store()).build().unwrap_or_default();
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls);
    SharedHttpClient::new(UnprobedHttpClient(builder.pool_idle_timeout(IDLE_TIMEOUT).build_https()))
}

/// An HTTP client without the SDK's validation at start.
///
/// The SDK validates a client by building a connector for each service, with all root certificates,
/// and dropping it again. That took most of a function's cold start. The validation is a trait
/// method with a default; this wrapper does not forward it.
#[derive(Debug)]
struct UnprobedHttpClient(SharedHttpClient);

impl HttpClient for UnprobedHttpClient {
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
