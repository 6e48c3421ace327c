//! Calls the operator API of a one-machine server over HTTP.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::domain::{SessionId, SessionKey, Timestamp};
use shared::http_client::{self, ClientSettings};
use shared::operator::{
    DeadLetters, EventPage, EventQuery, LookupRequest, LookupResponse, PromptsRequest,
    PromptsResponse, RedriveRequest, RedriveResponse, ServerAddress, ServerStatus, SessionPage,
    SessionView, Stats, SubmitRequest, SubmitResponse, TurnPage,
};

use crate::exit::usage;

use super::{Backend, BackendError, BackendResult, ChatSession, problem};

const CONNECT: Duration = Duration::from_secs(3);
/// The timeout of a call that does not long-poll.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server.
pub(super) struct ServerBackend {
    http: reqwest::Client,
    address: Mutex<ServerAddress>,
    /// Where to read its address again: a restarted server may have another one.
    directory: Option<PathBuf>,
}

impl ServerBackend {
    /// Creates the backend of the server at an address.
    pub(super) fn at(url: &str, token: Option<&SecretString>) -> anyhow::Result<Self> {
        if token.is_some() && !is_confidential(url) {
            return Err(usage(format!(
                "{url} is not encrypted, and others on the network could read \
                CHATBOT_OPERATOR_TOKEN; use https://, or an SSH tunnel to 127.0.0.1"
            )));
        }
        let token = token.map(|token| token.expose_secret().to_owned()).unwrap_or_default();
        Self::new(ServerAddress { url: url.to_owned(), token }, None)
    }

    /// Finds the server of a data directory; none is running if its recorded address does not
    /// respond.
    pub(super) async fn running(directory: &Path) -> anyhow::Result<Option<Self>> {
        let Some(address) = read(directory)? else { return Ok(None) };
        let client = Self::new(address, Some(directory.to_owned()))?;
        match client.status().await {
            Err(BackendError::Unreachable(_)) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(Some(client)),
        }
    }

    fn new(address: ServerAddress, directory: Option<PathBuf>) -> anyhow::Result<Self> {
        let client = http_client::build(ClientSettings { connect_timeout: CONNECT })?;
        Ok(Self { http: client, address: Mutex::new(address), directory })
    }

    fn known_address(&self) -> ServerAddress {
        self.address.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the address again; returns whether it changed.
    fn moved(&self) -> bool {
        let Some(Ok(Some(now))) = self.directory.as_deref().map(read) else { return false };
        let mut known = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = now.url != known.url || now.token != known.token;
        *known = now;
        moved
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> BackendResult<T> {
        self.parsed(Method::GET, path, None, RETRY_TIMEOUT).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        wait_ms: u64,
    ) -> BackendResult<T> {
        let body =
            serde_json::to_string(body).map_err(|error| BackendError::Failed(error.to_string()))?;
        self.parsed(Method::POST, path, Some(body), RETRY_TIMEOUT + Duration::from_millis(wait_ms))
            .await
    }

    async fn parsed<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        retry_timeout: Duration,
    ) -> BackendResult<T> {
        let text = self.text(method, path, body, retry_timeout).await?;
        let place = self.address();
        serde_json::from_str(&text).map_err(|error| {
            BackendError::Failed(format!(
                "{place} returned an unexpected response for {path}: {error}"
            ))
        })
    }

    async fn text(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        retry_timeout: Duration,
    ) -> BackendResult<String> {
        let address = self.known_address();
        let answer = self
            .send(&address, &address.token, method.clone(), path, body.clone(), retry_timeout)
            .await;
        // The server may have restarted at another address.
        let lost =
            matches!(answer, Err(BackendError::Unreachable(_) | BackendError::NotAllowed(_)));
        if lost && self.moved() {
            let address = self.known_address();
            return self.send(&address, &address.token, method, path, body, retry_timeout).await;
        }
        answer
    }

    async fn send(
        &self,
        address: &ServerAddress,
        token: &str,
        method: Method,
        path: &str,
        body: Option<String>,
        retry_timeout: Duration,
    ) -> BackendResult<String> {
        let mut request =
            self.http.request(method, format!("{}{path}", address.url)).timeout(retry_timeout);
        if !token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let away = |error: &reqwest::Error| {
            BackendError::Unreachable(format!("{}: {}", address.url, cause(error)))
        };
        let response = request.send().await.map_err(|error| away(&error))?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|error| away(&error))?;
        if (200..300).contains(&status) {
            Ok(text)
        } else {
            Err(problem::error(&address.url, path, status, &text))
        }
    }
}

#[async_trait]
impl Backend for ServerBackend {
    fn address(&self) -> String {
        self.known_address().url
    }

    fn public_url(&self) -> String {
        self.known_address().url
    }

    async fn status(&self) -> BackendResult<ServerStatus> {
        self.get("/admin/api/status").await
    }

    async fn stats(&self, from: Timestamp, to: Timestamp, step: Duration) -> BackendResult<Stats> {
        let from = from.0;
        let to = to.0;
        let step = step.as_millis();
        self.get(&format!("/admin/api/stats?from={from}&to={to}&step={step}")).await
    }

    async fn settings(&self) -> BackendResult<Value> {
        self.get("/admin/api/settings").await
    }

    async fn submit(&self, request: &SubmitRequest) -> BackendResult<SubmitResponse> {
        self.post("/admin/api/messages", request, 0).await
    }

    async fn prompts(&self, request: &PromptsRequest) -> BackendResult<PromptsResponse> {
        self.post("/admin/api/prompts", request, 0).await
    }

    async fn lookup(&self, request: &LookupRequest) -> BackendResult<LookupResponse> {
        self.post("/admin/api/messages/lookup", request, request.wait_ms).await
    }

    async fn sessions(
        &self,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> BackendResult<SessionPage> {
        let after = after.map(|key| format!("&after={key}")).unwrap_or_default();
        self.get(&format!("/admin/api/sessions?limit={limit}{after}")).await
    }

    async fn session(&self, key: &SessionKey) -> BackendResult<SessionView> {
        self.get(&format!("/admin/api/sessions/{key}")).await
    }

    async fn turns(&self, key: &SessionKey, after: u64, limit: usize) -> BackendResult<TurnPage> {
        self.get(&format!("/admin/api/sessions/{key}/turns?after={after}&limit={limit}")).await
    }

    async fn delete(&self, key: &SessionKey) -> BackendResult<()> {
        self.text(Method::DELETE, &format!("/admin/api/sessions/{key}"), None, RETRY_TIMEOUT)
            .await
            .map(drop)
    }

    async fn events(&self, query: &EventQuery) -> BackendResult<EventPage> {
        let after = query.after.map(|after| format!("&after={after}")).unwrap_or_default();
        let limit = query.limit.map(|limit| format!("&limit={limit}")).unwrap_or_default();
        let path = format!("/admin/api/events?wait_ms={}{after}{limit}", query.wait_ms);
        self.parsed(Method::GET, &path, None, RETRY_TIMEOUT + Duration::from_millis(query.wait_ms))
            .await
    }

    async fn dead_letters(&self, limit: usize) -> BackendResult<DeadLetters> {
        self.get(&format!("/admin/api/dead-letters?limit={limit}")).await
    }

    async fn redrive(&self, request: &RedriveRequest) -> BackendResult<RedriveResponse> {
        self.post("/admin/api/dead-letters/redrive", request, 0).await
    }

    async fn drop_letters(&self, request: &RedriveRequest) -> BackendResult<RedriveResponse> {
        self.post("/admin/api/dead-letters/drop", request, 0).await
    }

    async fn chat_session(
        &self,
        principal: &str,
        session: Option<&SessionId>,
    ) -> BackendResult<ChatSession> {
        let mut body = json!({ "principal": principal });
        if let Some(session) = session {
            body["session_id"] = json!(session);
        }
        self.post("/admin/api/chat-sessions", &body, 0).await
    }

    async fn stop(&self, session: &ChatSession, message_id: &str) -> BackendResult<()> {
        let path = format!("/sessions/{}/stop", session.session_id);
        let body = Some(json!({ "message_id": message_id }).to_string());
        let address = self.known_address();
        self.send(&address, &session.session_token, Method::POST, &path, body, RETRY_TIMEOUT)
            .await
            .map(drop)
    }
}

/// Tells whether a token can be sent to an address: over TLS, or within this machine.
fn is_confidential(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_local = bare == "localhost"
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || is_local
}

fn read(directory: &Path) -> anyhow::Result<Option<ServerAddress>> {
    let file = directory.join(ServerAddress::FILE);
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            let address = serde_json::from_str(&text);
            Ok(Some(
                address.with_context(|| {
                    format!("{} is damaged; restart the server", file.display())
                })?,
            ))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

/// Returns the innermost cause, which is the most specific: "connection refused".
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut source: &dyn std::error::Error = error;
    while let Some(next) = source.source() {
        source = next;
    }
    source.to_string()
}
