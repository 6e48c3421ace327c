//! The Claude Messages API.

mod batch;
mod events;
mod passages;
mod request;
mod thoughts;
mod tools;

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Client;
use serde_json::Value;
use shared::domain::ProviderName;
use shared::ports::{Model, ModelError, ModelStream, Prompt, Secrets};

pub use self::batch::{batch_request, parse_batch_reply};
pub(super) use self::events::Events;
pub(super) use self::request::Request;
use super::{ClaudeSettings, call};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// A model behind the Claude Messages API.
pub struct ClaudeModel {
    settings: ClaudeSettings,
    url: String,
    secrets: Arc<dyn Secrets>,
    client: Client,
}

impl ClaudeModel {
    /// Makes the model; `client` comes from [`super::client::build`].
    pub fn new(settings: ClaudeSettings, secrets: Arc<dyn Secrets>, client: Client) -> Self {
        let url = format!("{}/v1/messages", settings.base_url.trim_end_matches('/'));
        Self { settings, url, secrets, client }
    }

    async fn headers(&self) -> Result<HeaderMap, ModelError> {
        let key = call::key(self.secrets.as_ref(), ProviderName::Claude).await?;
        let key = key.ok_or_else(|| ModelError::Unauthorized("no key is configured".to_owned()))?;
        let version = HeaderValue::try_from(&self.settings.version).map_err(|_| {
            ModelError::Permanent("the API version is not a header's value".to_owned())
        })?;
        Ok(HeaderMap::from_iter([(API_KEY, call::key_header("", &key)?), (VERSION, version)]))
    }
}

#[async_trait]
impl Model for ClaudeModel {
    fn provider(&self) -> ProviderName {
        ProviderName::Claude
    }

    fn model(&self) -> &str {
        &self.settings.model
    }

    async fn is_configured(&self) -> bool {
        call::has_key(self.secrets.as_ref(), ProviderName::Claude).await
    }

    fn cites_by_itself(&self) -> bool {
        true
    }

    fn thinking_room(&self) -> u32 {
        self.settings.effort.room()
    }

    fn batch_request(&self, prompt: &Prompt) -> Option<Value> {
        batch_request(&self.settings, prompt)
    }

    async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let headers = self.headers().await?;
        let model = prompt.model_or(&self.settings.model);
        let request = Request::new(model, self.settings.effort, prompt);
        let events = Events::of(prompt, ProviderName::Claude, model);
        call::stream(&self.client, &self.url, headers, &request, events).await
    }
}
