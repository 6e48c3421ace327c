//! The call to the model: the same HTTP client and event parser as the server, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use eventsource_stream::Eventsource as _;
use futures::{Stream, StreamExt as _};
use reqwest::{Client, redirect, retry};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const IDLE_CONNECTION: Duration = Duration::from_mins(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The provider, by its Messages API.
#[derive(Debug)]
pub(super) struct Provider {
    client: Client,
    url: String,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'static str,
    max_tokens: u32,
    stream: bool,
    messages: [Message<'a>; 1],
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Deserialize)]
struct Piece {
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    text: String,
}

impl Provider {
    /// Makes the client with the server's settings.
    pub(super) fn new(base: &str) -> anyhow::Result<Self> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .tcp_keepalive(KEEP_ALIVE)
            .pool_idle_timeout(IDLE_CONNECTION)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { client, url: format!("{base}/v1/messages") })
    }

    /// Asks the model, and returns the pieces of its reply.
    pub(super) async fn ask(
        &self,
        message: &str,
    ) -> anyhow::Result<impl Stream<Item = anyhow::Result<String>> + use<>> {
        let messages = [Message { role: "user", content: message }];
        let request = Request { model: "stub", max_tokens: 1024, stream: true, messages };
        let post = self.client.post(&self.url).header("content-type", "application/json");
        let response =
            post.header("x-api-key", "bench").body(serde_json::to_vec(&request)?).send().await?;
        let events = response.error_for_status()?.bytes_stream().eventsource();
        Ok(events.filter_map(async |event| match event {
            Ok(event) if event.event == "content_block_delta" => Some(text(&event.data)),
            Ok(_) => None,
            Err(error) => Some(Err(error.into())),
        }))
    }
}

fn text(data: &str) -> anyhow::Result<String> {
    let piece: Piece = serde_json::from_str(data).context("the provider's event is not JSON")?;
    Ok(piece.delta.text)
}

/// The benchmark uses plain HTTP, so no root certificate is ever checked.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}
