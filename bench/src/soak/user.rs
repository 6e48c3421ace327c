//! A user who goes on until each message is accepted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::Address;
use super::watcher::Seen;

const PAUSE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(10);

/// One user with one session.
#[derive(Debug)]
pub(super) struct User {
    seat: Seat,
    /// The messages that were answered 202, in that order.
    pub(super) accepted: Vec<String>,
    pub(super) repeated: usize,
}

/// What a user and a watcher share.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    client: Client,
    address: Address,
    token: Option<String>,
    pub(super) session: String,
    pub(super) seen: Arc<Mutex<Seen>>,
}

impl User {
    /// Gets a session of its own.
    pub(super) async fn join(number: usize, address: Address) -> anyhow::Result<Self> {
        let session = format!("soak-{number}");
        let mut seat = Seat { client: client()?, address, token: None, session, seen: Arc::default() };
        let made = seat.insist(Method::POST, "/sessions", &json!({ "session_id": seat.session })).await?;
        seat.token = Some(made["session_token"].as_str().context("no session token")?.to_owned());
        Ok(Self { seat, accepted: Vec::new(), repeated: 0 })
    }

    pub(super) fn seat(&self) -> Seat {
        self.seat.clone()
    }

    /// Returns what the watcher of this session has seen.
    pub(super) fn seen(&self) -> Seen {
        self.seat.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Posts one message after another, each as often as it takes.
    pub(super) async fn post_until(mut self, finished: watch::Receiver<bool>) -> anyhow::Result<Self> {
        while !*finished.borrow() {
            let id = format!("m{}", self.accepted.len() + 1);
            let body = json!({ "message": "Hello", "session_id": self.seat.session, "message_id": id });
            let mut posts = 0;
            while self.seat.call(Method::POST, "/chat", &body).await?.is_none() {
                posts += 1;
            }
            self.repeated += posts;
            self.accepted.push(id);
        }
        Ok(self)
    }
}

impl Seat {
    /// Calls until there is an answer.
    pub(super) async fn insist(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        loop {
            if let Some(answer) = self.call(method.clone(), path, body).await? {
                return Ok(answer);
            }
        }
    }

    /// Calls once the server is there. `None` is worth another try; an answer that no retry mends is an error.
    pub(super) async fn call(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Option<Value>> {
        let base = self.base().await?;
        let mut request = self.client.request(method.clone(), format!("{base}{path}"));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if method == Method::POST {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = timeout(PATIENCE, async {
            let response = request.send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
        });
        match answer.await {
            Ok(Ok((200..=299, text))) => Ok(Some(serde_json::from_str(&text)?)),
            Ok(Ok((429 | 503, _)) | Err(_)) | Err(_) => {
                sleep(PAUSE).await;
                Ok(None)
            }
            Ok(Ok((status, text))) => bail!("{path} was answered {status}: {text}"),
        }
    }

    async fn base(&self) -> anyhow::Result<String> {
        let mut address = self.address.clone();
        let base = address.wait_for(Option::is_some).await?.clone();
        base.context("the server is nowhere")
    }
}

/// Makes a client for plain HTTP; without any TLS default the library wants to be told so.
fn client() -> anyhow::Result<Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).tcp_nodelay(true).no_proxy().build()?)
}
