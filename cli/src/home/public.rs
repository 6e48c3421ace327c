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
const TIMEOUT: Duration = Duration::from_secs(30);

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
        Ok(Self { client: client()?, base, session })
    }

    /// Opens a session, or the one that is named, as whoever the token proves.
    #[cfg(feature = "aws")]
    pub(super) async fn begin(
        base: &str,
        token: String,
        session: Option<&shared::domain::SessionId>,
    ) -> Answer<ChatSession> {
        let named = session.map_or_else(|| json!({}), |id| json!({ "session_id": id }));
        let client = client().map_err(|error| HomeError::Failed(error.to_string()))?;
        let opened = call(&client, base, &token, Method::POST, "/sessions", Some(named)).await?;
        let session_id = serde_json::from_value(opened["session_id"].clone())
            .map_err(|error| HomeError::Failed(format!("{base} opened no session: {error}")))?;
        Ok(ChatSession { session_id, session_token: token })
    }

    /// Returns the time of the other side, to a second, if it says it; nothing answers if there is
    /// nobody.
    #[cfg(feature = "aws")]
    pub(super) async fn clock(base: &str) -> Answer<Option<shared::domain::Timestamp>> {
        let away = |_: reqwest::Error| HomeError::Unreachable(format!("{base} does not answer"));
        let client = client().map_err(|error| HomeError::Failed(error.to_string()))?;
        let answer =
            client.get(format!("{base}/health")).timeout(TIMEOUT).send().await.map_err(away)?;
        let date = answer.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
        let time = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let since = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        Ok(since.map(|since| shared::domain::Timestamp(0).plus(since)))
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
        call(&self.client, &self.base, &self.session.session_token, method, path, body).await
    }
}

fn client() -> anyhow::Result<reqwest::Client> {
    Ok(http_client::build(ClientSettings { connect_timeout: CONNECT })?)
}

async fn call(
    client: &reqwest::Client,
    base: &str,
    token: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Answer<Value> {
    let request = client.request(method, format!("{base}{path}")).timeout(TIMEOUT);
    let mut request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    if let Some(body) = body {
        request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
    }
    let away = |_: reqwest::Error| HomeError::Unreachable(format!("{base} does not answer"));
    let response = request.send().await.map_err(away)?;
    let status = response.status().as_u16();
    let text = response.text().await.map_err(away)?;
    if !(200..300).contains(&status) {
        return Err(problem::error(base, path, status, &text));
    }
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
