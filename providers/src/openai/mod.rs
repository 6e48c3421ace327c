//! `OpenAI` Chat Completions, and compatible servers.

mod batch;
mod chunks;
mod request;
mod thinking;
mod tools;

use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use reqwest::Client;
use serde_json::Value;
use shared::domain::ProviderName;
use shared::ports::{Model, ModelError, ModelStream, Prompt, Secrets};

pub use self::batch::{batch_request, parse_batch_reply};
pub(super) use self::chunks::Chunks;
use self::request::Request;
use super::{OpenAiSettings, call};

/// A model behind `OpenAI`'s Chat Completions API or a compatible server.
pub struct OpenAiModel {
    settings: OpenAiSettings,
    url: String,
    secrets: Arc<dyn Secrets>,
    client: Client,
}

impl OpenAiModel {
    /// Makes the model; `client` comes from [`super::client::build`].
    pub fn new(settings: OpenAiSettings, secrets: Arc<dyn Secrets>, client: Client) -> Self {
        let url = format!("{}/chat/completions", settings.base_url.trim_end_matches('/'));
        Self { settings, url, secrets, client }
    }

    /// Makes the headers. Without a key there are none: a local server often needs none.
    async fn headers(&self) -> Result<HeaderMap, ModelError> {
        let key = call::key(self.secrets.as_ref(), ProviderName::OpenAi).await?;
        let header = key.map(|key| call::key_header("Bearer ", &key)).transpose()?;
        Ok(header.map(|value| (AUTHORIZATION, value)).into_iter().collect())
    }
}

#[async_trait]
impl Model for OpenAiModel {
    fn provider(&self) -> ProviderName {
        ProviderName::OpenAi
    }

    fn model(&self) -> &str {
        &self.settings.model
    }

    async fn is_configured(&self) -> bool {
        self.settings.keyless || call::has_key(self.secrets.as_ref(), ProviderName::OpenAi).await
    }

    fn thinking_room(&self) -> u32 {
        self.settings.effort.room()
    }

    fn batch_request(&self, prompt: &Prompt) -> Option<Value> {
        batch_request(&self.settings, prompt)
    }

    async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let headers = self.headers().await?;
        let request = Request::new(&self.settings, prompt);
        call::stream(&self.client, &self.url, headers, &request, Chunks::of(prompt)).await
    }
}
