//! The public calls, as any client makes them, with a token that proves an operator.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::http_client::{self, ClientSettings};

use super::{Answer, ChatSession, problem};
use crate::home::HomeError;

const CONNECT: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(30);

/// One session at the public calls.
pub(crate) struct Public {
    client: reqwest::Client,
    base: String,
    session: ChatSession,
}

/// Where a socket is opened.
#[derive(Debug, Deserialize)]
pub(crate) struct Socket {
    pub(crate) url: String,
    pub(crate) ticket: String,
}

impl Public {
    /// Speaks in a session.
    pub(crate) fn new(base: String, session: ChatSession) -> anyhow::Result<Self> {
        let client = http_client::build(ClientSettings { connect_timeout: CONNECT })?;
        Ok(Self { client, base, session })
    }

    /// Returns the session's id.
    pub(crate) fn session_id(&self) -> &str {
        self.session.session_id.as_str()
    }

    /// Sends a message; the same id again is the same message.
    pub(crate) async fn say(
        &self,
        message: &str,
        message_id: &str,
        document: Option<&str>,
        provider: Option<&str>,
    ) -> Answer<()> {
        let body = json!({
            "message": message, "session_id": self.session.session_id, "message_id": message_id,
            "context": document.map(|id| json!({ "document_id": id })), "provider": provider,
        });
        self.call(Method::POST, "/chat", Some(body)).await.map(drop)
    }

    /// Asks that a message's answer ends where it is.
    pub(crate) async fn stop(&self, message_id: &str) -> Answer<()> {
        let path = format!("/sessions/{}/stop", self.session_id());
        self.call(Method::POST, &path, Some(json!({ "message_id": message_id }))).await.map(drop)
    }

    /// Returns the turns after one, the first of them soon after it is done.
    pub(crate) async fn turns(&self, after: u64, wait: u64) -> Answer<Vec<Value>> {
        let path = format!("/sessions/{}/turns?after={after}&wait={wait}", self.session_id());
        let found = self.call(Method::GET, &path, None).await?;
        Ok(found["turns"].as_array().cloned().unwrap_or_default())
    }

    /// Returns a new ticket for a socket.
    pub(crate) async fn ticket(&self) -> Answer<Socket> {
        let path = format!("/sessions/{}/tickets", self.session_id());
        let found = self.call(Method::POST, &path, None).await?;
        serde_json::from_value(found["websocket"].clone())
            .map_err(|error| HomeError::Failed(format!("{} gave no ticket: {error}", self.base)))
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer<Value> {
        let request = self.client.request(method, format!("{}{path}", self.base)).timeout(PATIENCE);
        let mut request = request.header(AUTHORIZATION, format!("Bearer {}", self.session.session_token));
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let away = |_: reqwest::Error| HomeError::Unreachable(format!("{} does not answer", self.base));
        let response = request.send().await.map_err(away)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(away)?;
        if !(200..300).contains(&status) {
            return Err(problem::error(&self.base, path, status, &text));
        }
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}
