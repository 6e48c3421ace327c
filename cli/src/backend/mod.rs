//! The chatbot behind the commands: a one-machine server or a stack on AWS.

mod embedded;
mod problem;
pub(crate) mod public;
mod retry;
mod server;
#[cfg(feature = "aws")]
mod stack;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use local::server::Work;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::domain::{SessionId, SessionKey, Timestamp};
use shared::operator::{
    DeadLetters, EventPage, EventQuery, LookupRequest, LookupResponse, PromptsRequest,
    PromptsResponse, RedriveRequest, RedriveResponse, ServerStatus, SessionPage, SessionView,
    Stats, SubmitRequest, SubmitResponse, TurnPage,
};

use self::embedded::EmbeddedServer;
use self::server::ServerBackend;
use crate::config::{Config, Target};
use crate::exit::unreachable;
use crate::output::note;

/// The reason why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackendError {
    /// It does not respond; a retry may succeed.
    #[error("{0}")]
    Unreachable(String),
    /// Access was denied.
    #[error("{0}")]
    NotAllowed(String),
    /// The requested item does not exist.
    #[error("{0}")]
    Missing(String),
    /// The request is invalid.
    #[error("{detail}")]
    Refused {
        /// The invalid field, if it is one.
        field: Option<String>,
        /// The reason.
        detail: String,
    },
    /// Any other failure.
    #[error("{0}")]
    Failed(String),
}

/// The result of a call.
pub(crate) type BackendResult<T> = Result<T, BackendError>;

/// A session with a token for the public API.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ChatSession {
    /// The session.
    pub(crate) session_id: SessionId,
    /// The token.
    pub(crate) session_token: String,
}

/// The operator calls.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// Returns the address, for messages.
    fn address(&self) -> String;
    /// Returns the status.
    async fn status(&self) -> BackendResult<ServerStatus>;
    /// Returns statistics of a period, in buckets of whole minutes.
    async fn stats(&self, from: Timestamp, to: Timestamp, step: Duration) -> BackendResult<Stats>;
    /// Returns the settings that are not secret.
    async fn settings(&self) -> BackendResult<Value>;
    /// Puts messages on the queue.
    async fn submit(&self, request: &SubmitRequest) -> BackendResult<SubmitResponse>;
    /// Returns the requests that a provider would get for first messages; nothing is sent.
    async fn prompts(&self, request: &PromptsRequest) -> BackendResult<PromptsResponse>;
    /// Looks up messages; waits until the first is done.
    async fn lookup(&self, request: &LookupRequest) -> BackendResult<LookupResponse>;
    /// Returns a page of sessions.
    async fn sessions(
        &self,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> BackendResult<SessionPage>;
    /// Returns a session.
    async fn session(&self, key: &SessionKey) -> BackendResult<SessionView>;
    /// Returns a page of a session's turns.
    async fn turns(&self, key: &SessionKey, after: u64, limit: usize) -> BackendResult<TurnPage>;
    /// Deletes a session, as its user can.
    async fn delete(&self, key: &SessionKey) -> BackendResult<()>;
    /// Returns events; waits for the first.
    async fn events(&self, query: &EventQuery) -> BackendResult<EventPage>;
    /// Returns the dead letters of both queues.
    async fn dead_letters(&self, limit: usize) -> BackendResult<DeadLetters>;
    /// Puts dead letters back on their queue.
    async fn redrive(&self, request: &RedriveRequest) -> BackendResult<RedriveResponse>;
    /// Deletes dead letters permanently.
    async fn drop_letters(&self, request: &RedriveRequest) -> BackendResult<RedriveResponse>;
    /// Creates a token for the public API.
    async fn chat_session(
        &self,
        principal: &str,
        session: Option<&SessionId>,
    ) -> BackendResult<ChatSession>;
    /// Returns the address of the public API.
    fn public_url(&self) -> String;
    /// Stops a message through the public API.
    async fn stop(&self, session: &ChatSession, message_id: &str) -> BackendResult<()>;
}

/// A backend, with the server that was started in this process if none was running.
pub(crate) struct Opened {
    /// The backend.
    pub(crate) backend: Arc<dyn Backend>,
    embedded: Option<EmbeddedServer>,
}

/// What a command does where no server is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataPolicy {
    /// It looks at existing data, or moves messages between queues: nothing is answered or
    /// delivered meanwhile.
    Look,
    /// It deletes existing data, which needs deliveries, but no answers.
    Delete,
    /// It needs answers about existing data, so that a server is started in this process.
    MustExist,
    /// It needs answers, so that a server is started in this process, on new data if there is none.
    CreateIfMissing,
    /// It is about a running server.
    MustRun,
}

impl DataPolicy {
    /// Returns what a server in this process does; `None` if none may be started.
    fn work(self) -> Option<Work> {
        match self {
            Self::Look => Some(Work::Nothing),
            Self::Delete => Some(Work::Deliveries),
            Self::MustExist | Self::CreateIfMissing => Some(Work::Everything),
            Self::MustRun => None,
        }
    }
}

/// Finds the stack or the running server, or starts a server in this process on the same data.
pub(crate) async fn open(config: &Config, policy: DataPolicy) -> anyhow::Result<Opened> {
    let directory = match &config.target {
        Target::Url(url) => {
            let backend: Arc<dyn Backend> =
                Arc::new(ServerBackend::at(url, config.token.as_ref())?);
            return Ok(Opened { backend, embedded: None });
        }
        Target::Stack(stack) => {
            return Ok(Opened { backend: on_aws(stack, config).await?, embedded: None });
        }
        Target::Directory(directory) => directory,
    };
    if let Some(client) = ServerBackend::running(directory).await? {
        return Ok(Opened { backend: Arc::new(client), embedded: None });
    }
    let Some(work) = policy.work() else {
        return Err(unreachable(format!(
            "no server is running on {}: start it with `cargo run`, or use --local for another \
            data directory or address",
            directory.display()
        )));
    };
    if policy != DataPolicy::CreateIfMissing && !directory.join("chatbot.db").exists() {
        return Err(unreachable(format!(
            "{} has no data: start a server with `cargo run`, or use --local for another \
            data directory",
            directory.display()
        )));
    }
    if work == Work::Everything {
        note(&format!(
            "no server is running on {}, so one is started in this process; it answers messages \
            that wait there too",
            directory.display()
        ));
    }
    let embedded = EmbeddedServer::start(directory, &config.environment, work).await?;
    let Some(client) = ServerBackend::running(directory).await? else {
        embedded.stop().await;
        return Err(unreachable("the server in this process did not report its address"));
    };
    Ok(Opened { backend: Arc::new(client), embedded: Some(embedded) })
}

#[cfg(feature = "aws")]
async fn on_aws(stack: &str, config: &Config) -> anyhow::Result<Arc<dyn Backend>> {
    Ok(Arc::new(stack::AwsBackend::find(stack, &config.environment).await?))
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "the same call as with the feature")]
async fn on_aws(_: &str, _: &Config) -> anyhow::Result<Arc<dyn Backend>> {
    Err(crate::exit::usage(
        "this build of yogi does not support AWS: build it with the feature `aws`",
    ))
}

impl Opened {
    /// Stops the server in this process, if there is one; messages in progress are finished or kept.
    pub(crate) async fn close(self) {
        drop(self.backend);
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// How long to retry while the backend is unavailable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryTimeout(pub(crate) Duration);

pub(crate) use self::retry::with_retries;
