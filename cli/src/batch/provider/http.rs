//! Calls a provider with retries; the key is sent in a header and nowhere else.

use std::time::Duration;

use providers::{error_from_response, key_header};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use shared::ports::ModelError;
use tokio::time::{Instant, sleep, timeout};

use crate::backend::RetryTimeout;

/// The timeout of a call with little data.
const SHORT: Duration = Duration::from_mins(1);
/// The timeout for sending a whole batch.
const LONG: Duration = Duration::from_mins(15);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The largest result that is read.
const LARGEST_LINE: usize = 16 << 20;

/// A provider's API.
pub(super) struct ProviderHttp {
    client: Client,
    headers: HeaderMap,
    key: SecretString,
    retry_timeout: RetryTimeout,
}

impl ProviderHttp {
    /// Creates the client.
    pub(super) fn new(client: Client, key: SecretString, retry_timeout: RetryTimeout) -> Self {
        Self { client, headers: HeaderMap::new(), key, retry_timeout }
    }

    /// Sends the key in this header with every call.
    pub(super) fn with_key(mut self, name: HeaderName, prefix: &str) -> Result<Self, ModelError> {
        self.headers.insert(name, key_header(prefix, &self.key)?);
        Ok(self)
    }

    /// Sends this header with every call.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Removes the key from a text of the provider.
    pub(super) fn without_key(&self, text: &str) -> String {
        text.replace(self.key.expose_secret().trim(), "…")
    }

    /// Fetches an object, retrying while the provider is busy or unavailable.
    pub(super) async fn get(&self, url: &str) -> Result<Value, ModelError> {
        self.with_retries(|| async {
            json(self.once(self.client.get(url).timeout(SHORT)).await?).await
        })
        .await
    }

    /// Posts a request that is safe to repeat.
    pub(super) async fn post_again(&self, url: &str) -> Result<Value, ModelError> {
        self.with_retries(|| async {
            json(self.once(self.client.post(url).timeout(SHORT)).await?).await
        })
        .await
    }

    /// Posts a request that must not be repeated: after a failure its effect is unknown.
    pub(super) async fn post(
        &self,
        url: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<Value, ModelError> {
        let request = self.client.post(url).timeout(LONG).header(CONTENT_TYPE, kind).body(body);
        json(self.once(request).await?).await
    }

    /// Starts reading a file of results.
    pub(super) async fn lines(&self, url: &str) -> Result<ResultLines, ModelError> {
        let response = self.with_retries(|| async {
            let opened = timeout(SHORT, self.once(self.client.get(url)));
            opened.await.map_err(|_| ModelError::Broken("no response in time".to_owned()))?
        });
        Ok(ResultLines { response: response.await?, read: Vec::new(), ended: false })
    }

    async fn once(&self, request: RequestBuilder) -> Result<Response, ModelError> {
        let response = request.headers(self.headers.clone()).send().await.map_err(broken)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let headers = response.headers().clone();
        let body =
            timeout(SHORT, response.bytes()).await.ok().and_then(Result::ok).unwrap_or_default();
        Err(error_from_response(status, &headers, &body))
    }

    async fn with_retries<T, F: Future<Output = Result<T, ModelError>>>(
        &self,
        mut call: impl FnMut() -> F,
    ) -> Result<T, ModelError> {
        let mut wait = RetryPauses::new(self.retry_timeout);
        loop {
            match call().await {
                Ok(value) => return Ok(value),
                Err(error) => wait.after(error).await?,
            }
        }
    }
}

/// The pauses between attempts.
pub(super) struct RetryPauses {
    began: Instant,
    pause: Duration,
    retry_timeout: RetryTimeout,
}

impl RetryPauses {
    pub(super) fn new(retry_timeout: RetryTimeout) -> Self {
        Self { began: Instant::now(), pause: FIRST_PAUSE, retry_timeout }
    }

    /// Waits before the next attempt; returns the error if it is permanent, or the time is up.
    pub(super) async fn after(&mut self, error: ModelError) -> Result<(), ModelError> {
        let pause = match &error {
            ModelError::Busy { retry_after, .. } => retry_after.unwrap_or(self.pause),
            ModelError::Broken(_) => self.pause,
            ModelError::Unauthorized(_) | ModelError::Permanent(_) => return Err(error),
        };
        if self.began.elapsed() + pause > self.retry_timeout.0 {
            return Err(error);
        }
        sleep(pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// A file of results, line by line, in bounded memory.
pub(super) struct ResultLines {
    response: Response,
    read: Vec<u8>,
    ended: bool,
}

impl ResultLines {
    /// Returns the next line that is not blank.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, ModelError> {
        loop {
            let end = self.read.iter().position(|byte| *byte == b'\n');
            let line: Vec<u8> = match end {
                Some(end) => self.read.drain(..=end).collect(),
                None if self.ended => std::mem::take(&mut self.read),
                None => {
                    self.more().await?;
                    continue;
                }
            };
            if !line.iter().all(u8::is_ascii_whitespace) {
                let value = serde_json::from_slice(&line);
                return value
                    .map(Some)
                    .map_err(|_| ModelError::Broken("an unreadable result".to_owned()));
            }
            if self.ended && self.read.is_empty() {
                return Ok(None);
            }
        }
    }

    async fn more(&mut self) -> Result<(), ModelError> {
        let part = timeout(SHORT, self.response.chunk()).await;
        let part = part
            .map_err(|_| ModelError::Broken("the results were interrupted".to_owned()))?
            .map_err(broken)?;
        match part {
            Some(part) if self.read.len() + part.len() <= LARGEST_LINE + (1 << 20) => {
                self.read.extend_from_slice(&part);
            }
            Some(_) => {
                return Err(ModelError::Permanent("a result is larger than 16 MB".to_owned()));
            }
            None => self.ended = true,
        }
        Ok(())
    }
}

async fn json(response: Response) -> Result<Value, ModelError> {
    let bytes = response.bytes().await.map_err(broken)?;
    serde_json::from_slice(&bytes)
        .map_err(|_| ModelError::Broken("a response that is not JSON".to_owned()))
}

/// Returns the innermost cause, which is the most specific, without the address.
fn broken(error: reqwest::Error) -> ModelError {
    if error.is_timeout() {
        return ModelError::Broken("no response in time".to_owned());
    }
    let error = error.without_url();
    let mut source: &dyn std::error::Error = &error;
    while let Some(next) = source.source() {
        source = next;
    }
    ModelError::Broken(source.to_string())
}
