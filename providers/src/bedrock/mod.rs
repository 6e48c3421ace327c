//! The Claude Messages API on Amazon Bedrock, with a Bedrock API key or signed with an AWS role.
//!
//! The request is Claude's, with the model in the URL; the events of the response are wrapped in
//! AWS event stream frames.

mod frames;
mod stream;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use reqwest::{Client, Url};
use shared::domain::ProviderName;
use shared::ports::{Model, ModelError, ModelStream, Prompt, Secrets};

use super::claude::{Events, Request};
use super::{BedrockSettings, call};

/// The media type of Bedrock's streams.
const STREAM: &str = "application/vnd.amazon.eventstream";

/// Signs a request to a URL with a body, and returns the headers that authenticate it.
///
/// The signature covers the host and [`SIGNED_HEADERS`]. Errors are for the log.
pub type Sign = dyn Fn(&str, &[u8]) -> Result<HeaderMap, String> + Send + Sync;

/// The headers of a signed request that its signature covers.
pub const SIGNED_HEADERS: [(&str, &str); 2] =
    [("accept", STREAM), ("content-type", "application/json")];

/// A Claude model on Bedrock.
pub struct BedrockModel {
    settings: BedrockSettings,
    secrets: Arc<dyn Secrets>,
    client: Client,
    sign: Option<Arc<Sign>>,
}

impl BedrockModel {
    /// Makes the model; `client` comes from [`super::client::build`].
    pub fn new(settings: BedrockSettings, secrets: Arc<dyn Secrets>, client: Client) -> Self {
        Self { settings, secrets, client, sign: None }
    }

    /// Signs the requests if there is no API key.
    #[must_use]
    pub fn signed_by(mut self, sign: Arc<Sign>) -> Self {
        self.sign = Some(sign);
        self
    }

    /// Returns the URL of a model. The slashes of an ARN are part of the name, so they are escaped.
    fn url(&self, model: &str) -> Result<Url, ModelError> {
        let unusable = || ModelError::Permanent("the base URL cannot be used".to_owned());
        let mut url = Url::parse(&self.settings.base_url).map_err(|_| unusable())?;
        let mut path = url.path_segments_mut().map_err(|()| unusable())?;
        path.pop_if_empty().extend(["model", model, "invoke-with-response-stream"]);
        drop(path);
        Ok(url)
    }

    /// Authenticates the request: by the API key if there is one, otherwise by a signature.
    async fn headers(&self, url: &Url, body: &[u8]) -> Result<HeaderMap, ModelError> {
        match (call::key(self.secrets.as_ref(), ProviderName::Bedrock).await?, &self.sign) {
            (Some(key), _) => {
                Ok(HeaderMap::from_iter([(AUTHORIZATION, call::key_header("Bearer ", &key)?)]))
            }
            (None, Some(sign)) => sign(url.as_str(), body).map_err(ModelError::Permanent),
            (None, None) => Err(ModelError::Unauthorized("no key is configured".to_owned())),
        }
    }
}

#[async_trait]
impl Model for BedrockModel {
    fn provider(&self) -> ProviderName {
        ProviderName::Bedrock
    }

    fn model(&self) -> &str {
        &self.settings.model
    }

    async fn is_configured(&self) -> bool {
        self.sign.is_some() || call::has_key(self.secrets.as_ref(), ProviderName::Bedrock).await
    }

    fn cites_by_itself(&self) -> bool {
        true
    }

    fn thinking_room(&self) -> u32 {
        self.settings.effort.room()
    }

    async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let model = prompt.model_or(&self.settings.model);
        let url = self.url(model)?;
        let body = call::body(&Request::on_bedrock(model, self.settings.effort, prompt))?;
        let headers = self.headers(&url, &body).await?;
        let response = call::send(&self.client, url.as_str(), headers, body, STREAM).await?;
        let body = response.bytes_stream().map(|part| part.map_err(reqwest::Error::without_url));
        Ok(stream::events(body, Events::of(prompt, ProviderName::Bedrock, model)))
    }
}
