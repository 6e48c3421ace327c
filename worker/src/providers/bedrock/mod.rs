//! The Claude Messages API on Amazon Bedrock, with a Bedrock API key.
//!
//! The request is Claude's with the model in the address; the answer's events come in AWS's binary frames.

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

use super::claude::Request;
use super::{BedrockSettings, call};

/// What Bedrock takes and sends of the streams.
const STREAM: &str = "application/vnd.amazon.eventstream";

/// A Claude model on Bedrock.
pub struct BedrockModel {
    settings: BedrockSettings,
    secrets: Arc<dyn Secrets>,
    client: Client,
}

impl BedrockModel {
    /// Makes the model; `client` comes from [`super::client::build`].
    pub fn new(settings: BedrockSettings, secrets: Arc<dyn Secrets>, client: Client) -> Self {
        Self { settings, secrets, client }
    }

    /// Returns the address of a model; an ARN has slashes, which are part of its name.
    fn url(&self, model: &str) -> Result<Url, ModelError> {
        let unusable = || ModelError::Permanent("the address is not usable".to_owned());
        let mut url = Url::parse(&self.settings.base_url).map_err(|_| unusable())?;
        let mut path = url.path_segments_mut().map_err(|()| unusable())?;
        path.pop_if_empty().extend(["model", model, "invoke-with-response-stream"]);
        drop(path);
        Ok(url)
    }

    async fn headers(&self) -> Result<HeaderMap, ModelError> {
        let key = call::key(self.secrets.as_ref(), ProviderName::Bedrock).await?;
        let key = key.ok_or_else(|| ModelError::Unauthorized("no key is configured".to_owned()))?;
        Ok(HeaderMap::from_iter([(AUTHORIZATION, call::key_header("Bearer ", &key)?)]))
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
        call::has_key(self.secrets.as_ref(), ProviderName::Bedrock).await
    }

    async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let (headers, url) = (self.headers().await?, self.url(prompt.model_or(&self.settings.model))?);
        let request = Request::on_bedrock(prompt);
        let response = call::send(&self.client, url.as_str(), headers, &request, STREAM).await?;
        let body = response.bytes_stream().map(|part| part.map_err(reqwest::Error::without_url));
        Ok(stream::events(body))
    }
}
