//! The operator calls of a one-machine server, over HTTP.

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

use super::{Answer, ChatSession, Home, HomeError, problem};

const CONNECT: Duration = Duration::from_secs(3);
/// How long an answer may take that is not asked to wait.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A server that runs somewhere.
pub(super) struct Client {
    http: reqwest::Client,
    address: Mutex<ServerAddress>,
    /// Where to read its address again: a server that was started again may be elsewhere.
    directory: Option<PathBuf>,
}

impl Client {
    /// Speaks to the server at an address.
    pub(super) fn at(url: &str, token: Option<&SecretString>) -> anyhow::Result<Self> {
        let token = token.map(|token| token.expose_secret().to_owned()).unwrap_or_default();
        Self::new(ServerAddress { url: url.to_owned(), token }, None)
    }

    /// Finds the server that works on a data directory; none runs where nobody is at the address
    /// that it left.
    pub(super) async fn running(directory: &Path) -> anyhow::Result<Option<Self>> {
        let Some(address) = read(directory)? else { return Ok(None) };
        let client = Self::new(address, Some(directory.to_owned()))?;
        match client.status().await {
            Err(HomeError::Unreachable(_)) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(Some(client)),
        }
    }

    fn new(address: ServerAddress, directory: Option<PathBuf>) -> anyhow::Result<Self> {
        let client = http_client::build(ClientSettings { connect_timeout: CONNECT })?;
        Ok(Self { http: client, address: Mutex::new(address), directory })
    }

    fn address(&self) -> ServerAddress {
        self.address.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the address again; tells whether it is another one.
    fn moved(&self) -> bool {
        let Some(Ok(Some(now))) = self.directory.as_deref().map(read) else { return false };
        let mut known = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = now.url != known.url || now.token != known.token;
        *known = now;
        moved
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.parsed(Method::GET, path, None, TIMEOUT).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        wait_ms: u64,
    ) -> Answer<T> {
        let body =
            serde_json::to_string(body).map_err(|error| HomeError::Failed(error.to_string()))?;
        self.parsed(Method::POST, path, Some(body), TIMEOUT + Duration::from_millis(wait_ms)).await
    }

    async fn parsed<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        retry_timeout: Duration,
    ) -> Answer<T> {
        let text = self.text(method, path, body, retry_timeout).await?;
        let place = self.place();
        serde_json::from_str(&text).map_err(|error| {
            HomeError::Failed(format!(
                "{place} answered {path} in a way that this program does not know: {error}"
            ))
        })
    }

    async fn text(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        retry_timeout: Duration,
    ) -> Answer<String> {
        let address = self.address();
        let answer = self
            .send(&address, &address.token, method.clone(), path, body.clone(), retry_timeout)
            .await;
        // Nobody is there, or somebody else: the server may have come back at another place.
        let lost = matches!(answer, Err(HomeError::Unreachable(_) | HomeError::NotAllowed(_)));
        if lost && self.moved() {
            let address = self.address();
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
    ) -> Answer<String> {
        let mut request =
            self.http.request(method, format!("{}{path}", address.url)).timeout(retry_timeout);
        if !token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let away = |error: &reqwest::Error| {
            HomeError::Unreachable(format!("{}: {}", address.url, cause(error)))
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
impl Home for Client {
    fn place(&self) -> String {
        self.address().url
    }

    fn public_url(&self) -> String {
        self.address().url
    }

    async fn status(&self) -> Answer<ServerStatus> {
        self.get("/admin/api/status").await
    }

    async fn stats(&self, from: Timestamp, to: Timestamp, step: Duration) -> Answer<Stats> {
        let from = from.0;
        let to = to.0;
        let step = step.as_millis();
        self.get(&format!("/admin/api/stats?from={from}&to={to}&step={step}")).await
    }

    async fn settings(&self) -> Answer<Value> {
        self.get("/admin/api/settings").await
    }

    async fn submit(&self, request: &SubmitRequest) -> Answer<SubmitResponse> {
        self.post("/admin/api/messages", request, 0).await
    }

    async fn prompts(&self, request: &PromptsRequest) -> Answer<PromptsResponse> {
        self.post("/admin/api/prompts", request, 0).await
    }

    async fn lookup(&self, request: &LookupRequest) -> Answer<LookupResponse> {
        self.post("/admin/api/messages/lookup", request, request.wait_ms).await
    }

    async fn sessions(&self, after: Option<&SessionKey>, limit: usize) -> Answer<SessionPage> {
        let after = after.map(|key| format!("&after={key}")).unwrap_or_default();
        self.get(&format!("/admin/api/sessions?limit={limit}{after}")).await
    }

    async fn session(&self, key: &SessionKey) -> Answer<SessionView> {
        self.get(&format!("/admin/api/sessions/{key}")).await
    }

    async fn turns(&self, key: &SessionKey, after: u64, limit: usize) -> Answer<TurnPage> {
        self.get(&format!("/admin/api/sessions/{key}/turns?after={after}&limit={limit}")).await
    }

    async fn delete(&self, key: &SessionKey) -> Answer<()> {
        self.text(Method::DELETE, &format!("/admin/api/sessions/{key}"), None, TIMEOUT)
            .await
            .map(drop)
    }

    async fn events(&self, query: &EventQuery) -> Answer<EventPage> {
        let after = query.after.map(|after| format!("&after={after}")).unwrap_or_default();
        let limit = query.limit.map(|limit| format!("&limit={limit}")).unwrap_or_default();
        let path = format!("/admin/api/events?wait_ms={}{after}{limit}", query.wait_ms);
        self.parsed(Method::GET, &path, None, TIMEOUT + Duration::from_millis(query.wait_ms)).await
    }

    async fn dead_letters(&self, limit: usize) -> Answer<DeadLetters> {
        self.get(&format!("/admin/api/dead-letters?limit={limit}")).await
    }

    async fn redrive(&self, request: &RedriveRequest) -> Answer<RedriveResponse> {
        self.post("/admin/api/dead-letters/redrive", request, 0).await
    }

    async fn drop_letters(&self, request: &RedriveRequest) -> Answer<RedriveResponse> {
        self.post("/admin/api/dead-letters/drop", request, 0).await
    }

    async fn chat_session(
        &self,
        principal: &str,
        session: Option<&SessionId>,
    ) -> Answer<ChatSession> {
        let mut body = json!({ "principal": principal });
        if let Some(session) = session {
            body["session_id"] = json!(session);
        }
        self.post("/admin/api/chat-sessions", &body, 0).await
    }

    async fn stop(&self, session: &ChatSession, message_id: &str) -> Answer<()> {
        let path = format!("/sessions/{}/stop", session.session_id);
        let body = Some(json!({ "message_id": message_id }).to_string());
        let address = self.address();
        self.send(&address, &session.session_token, Method::POST, &path, body, TIMEOUT)
            .await
            .map(drop)
    }
}

fn read(directory: &Path) -> anyhow::Result<Option<ServerAddress>> {
    let file = directory.join(ServerAddress::FILE);
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            let address = serde_json::from_str(&text);
            Ok(Some(address.with_context(|| {
                format!("{} is damaged; start the server again", file.display())
            })?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

/// Returns the innermost cause, which says most: "connection refused".
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
