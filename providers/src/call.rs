//! Sends one request, whatever the protocol.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use reqwest::{Client, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::Value;
use shared::domain::{FinishReason, ProviderName};
use shared::ports::{Finish, ModelError, ModelEvent, ModelStream, Secrets};

use super::sse::{self, Decoder};
use super::{http_error, lenient};

/// The largest part of an error's body that is read.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// The largest reply that comes whole.
const MAX_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// Posts the request and returns the events of the response.
pub(super) async fn stream(
    client: &Client,
    url: &str,
    headers: HeaderMap,
    request: &impl Serialize,
    decoder: impl Decoder,
) -> Result<ModelStream, ModelError> {
    let response = send(client, url, headers, body(request)?, "text/event-stream").await?;
    if media_type(&response).ends_with("json") {
        return whole(response, &decoder).await;
    }
    if media_type(&response) == "text/html" {
        let what = "a web page in place of a reply: is the base URL right?".to_owned();
        return Err(ModelError::Permanent(what));
    }
    let body = response.bytes_stream().map(|part| part.map_err(reqwest::Error::without_url));
    Ok(sse::events(body, decoder))
}

/// Returns the media type of a response, in small letters and without parameters.
fn media_type(response: &Response) -> String {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let name = value.unwrap_or_default().split(';').next().unwrap_or_default();
    name.trim().to_ascii_lowercase()
}

/// Reads the JSON of a server that does not stream, or that reports an error with the status 200.
async fn whole(response: Response, decoder: &impl Decoder) -> Result<ModelStream, ModelError> {
    let body = beginning(response, MAX_REPLY_BYTES).await;
    let unreadable = || ModelError::Broken("a reply that cannot be read".to_owned());
    let value: Value = lenient::parse(&String::from_utf8_lossy(&body)).ok_or_else(unreadable)?;
    if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
        return Err(http_error::from_event(error));
    }
    let calls = decoder.whole_calls(&value)?;
    let reply = decoder.whole(value).ok_or_else(unreadable)?;
    let ended = reply.reason == FinishReason::Stop;
    let calls = calls.into_iter().filter(|_| ended).map(ModelEvent::ToolCall);
    let finish = Finish { reason: reply.reason, model: reply.model };
    let text = Some(reply.text).filter(|text| !text.is_empty()).map(ModelEvent::Delta);
    let events: Vec<_> = (text.into_iter().chain([ModelEvent::Usage(reply.usage)]))
        .chain(calls)
        .chain([ModelEvent::Finished(finish)])
        .map(Ok)
        .collect();
    Ok(stream::iter(events).boxed())
}

/// Serializes the request as JSON.
pub(super) fn body(request: &impl Serialize) -> Result<Vec<u8>, ModelError> {
    serde_json::to_vec(request)
        .map_err(|_| ModelError::Permanent("the request cannot be serialized as JSON".to_owned()))
}

/// Posts the request and returns the response if it is a success.
pub(super) async fn send(
    client: &Client,
    url: &str,
    headers: HeaderMap,
    body: Vec<u8>,
    accept: &'static str,
) -> Result<Response, ModelError> {
    let post = client.post(url).headers(headers).header(CONTENT_TYPE, "application/json");
    let response = post.header(ACCEPT, accept).body(body).send().await.map_err(broken)?;
    if response.status().is_success() { Ok(response) } else { Err(refused(response).await) }
}

/// Fetches the provider's key.
pub(super) async fn key(
    secrets: &dyn Secrets,
    provider: ProviderName,
) -> Result<Option<SecretString>, ModelError> {
    let key = secrets.provider_key(provider).await;
    key.map_err(|error| {
        ModelError::Broken(format!("the provider's key could not be fetched: {error}"))
    })
}

/// Tells whether the provider has a key; `true` if that cannot be found out.
pub(super) async fn has_key(secrets: &dyn Secrets, provider: ProviderName) -> bool {
    secrets.provider_key(provider).await.map_or(true, |key| key.is_some())
}

/// Makes a header value from a key. White space around the key is removed: it is easily stored by
/// mistake.
pub fn key_header(prefix: &str, key: &SecretString) -> Result<HeaderValue, ModelError> {
    let mut value = HeaderValue::try_from(format!("{prefix}{}", key.expose_secret().trim()))
        .map_err(|_| {
            ModelError::Unauthorized(
                "the key contains characters that are not allowed in a header".to_owned(),
            )
        })?;
    value.set_sensitive(true);
    Ok(value)
}

fn broken(error: reqwest::Error) -> ModelError {
    ModelError::Broken(sse::chain(&error.without_url()))
}

async fn refused(response: Response) -> ModelError {
    let status = response.status();
    let headers = response.headers().clone();
    http_error::error_from_response(status, &headers, &beginning(response, MAX_ERROR_BYTES).await)
}

/// Reads the beginning of a body. What was read before a failure is enough.
async fn beginning(mut response: Response, limit: usize) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Some(part)) = response.chunk().await {
        body.extend_from_slice(&part);
        if body.len() > limit {
            break;
        }
    }
    body.freeze()
}
