//! Where the chatbot lives: what operators may ask of it, whatever it is made of.

mod client;
mod embedded;
mod problem;
mod public;
#[cfg(feature = "aws")]
mod stack;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::domain::{SessionId, SessionKey, Timestamp};
use shared::operator::{
    DeadLetters, EventPage, EventQuery, LookupRequest, LookupResponse, PromptsRequest,
    PromptsResponse, RedriveRequest, RedriveResponse, ServerStatus, SessionPage, SessionView,
    Stats, SubmitRequest, SubmitResponse, TurnPage,
};

use self::client::Client;
use self::embedded::Embedded;
use crate::config::{Config, Target};
use crate::exit::unreachable;

/// Why a home did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HomeError {
    /// Nobody answers; later somebody may.
    #[error("{0}")]
    Unreachable(String),
    /// It does not let us in.
    #[error("{0}")]
    NotAllowed(String),
    /// What was asked for is not there.
    #[error("{0}")]
    Missing(String),
    /// What was asked is wrong.
    #[error("{detail}")]
    Refused {
        /// The field that is wrong, where one is.
        field: Option<String>,
        /// What is wrong.
        detail: String,
    },
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

/// What every call returns.
pub(crate) type Answer<T> = Result<T, HomeError>;

/// A token for the public calls, as an operator.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ChatSession {
    /// The session.
    pub(crate) session_id: SessionId,
    /// What proves who speaks.
    pub(crate) session_token: String,
}

/// What an operator may ask of a chatbot.
#[async_trait]
pub(crate) trait Home: Send + Sync {
    /// Returns how people name this home: its address.
    fn place(&self) -> String;
    /// Returns how it is.
    async fn status(&self) -> Answer<ServerStatus>;
    /// Returns the figures of a span of time, in buckets of a width of whole minutes.
    async fn stats(&self, from: Timestamp, to: Timestamp, step: Duration) -> Answer<Stats>;
    /// Returns the settings that are no secret.
    async fn settings(&self) -> Answer<Value>;
    /// Puts messages on the queue.
    async fn submit(&self, request: &SubmitRequest) -> Answer<SubmitResponse>;
    /// Asks what a provider would be asked for first messages; nothing is sent.
    async fn prompts(&self, request: &PromptsRequest) -> Answer<PromptsResponse>;
    /// Asks what became of messages; waits for the first that is done.
    async fn lookup(&self, request: &LookupRequest) -> Answer<LookupResponse>;
    /// Returns a page of sessions.
    async fn sessions(&self, after: Option<&SessionKey>, limit: usize) -> Answer<SessionPage>;
    /// Returns a session.
    async fn session(&self, key: &SessionKey) -> Answer<SessionView>;
    /// Returns a page of a session's turns.
    async fn turns(&self, key: &SessionKey, after: u64, limit: usize) -> Answer<TurnPage>;
    /// Deletes a session, as its user can.
    async fn delete(&self, key: &SessionKey) -> Answer<()>;
    /// Returns events; waits for the first.
    async fn events(&self, query: &EventQuery) -> Answer<EventPage>;
    /// Returns the dead letters of both queues.
    async fn dead_letters(&self, limit: usize) -> Answer<DeadLetters>;
    /// Puts dead letters back on their queue.
    async fn redrive(&self, request: &RedriveRequest) -> Answer<RedriveResponse>;
    /// Removes dead letters for good.
    async fn drop_letters(&self, request: &RedriveRequest) -> Answer<RedriveResponse>;
    /// Makes a token for the public calls.
    async fn chat_session(
        &self,
        principal: &str,
        session: Option<&SessionId>,
    ) -> Answer<ChatSession>;
    /// Returns the address of the public calls.
    fn public_url(&self) -> String;
    /// Stops a message at the public calls.
    async fn stop(&self, session: &ChatSession, message_id: &str) -> Answer<()>;
}

/// A home that was found, and the server in this process where none was running.
pub(crate) struct Opened {
    /// The home.
    pub(crate) home: Arc<dyn Home>,
    embedded: Option<Embedded>,
}

/// Whether a data directory may be made where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The command is about what is there.
    Existing,
    /// The command brings what it needs.
    Any,
}

/// Finds the stack or the server: the one that runs, or one in this process on the same data.
pub(crate) async fn open(config: &Config, need: Need) -> anyhow::Result<Opened> {
    let directory = match &config.target {
        Target::Url(url) => {
            let home: Arc<dyn Home> = Arc::new(Client::at(url, config.token.as_ref())?);
            return Ok(Opened { home, embedded: None });
        }
        Target::Stack(stack) => {
            return Ok(Opened { home: on_aws(stack, config).await?, embedded: None });
        }
        Target::Directory(directory) => directory,
    };
    if let Some(client) = Client::running(directory).await? {
        return Ok(Opened { home: Arc::new(client), embedded: None });
    }
    if need == Need::Existing && !directory.join("chatbot.db").exists() {
        return Err(unreachable(format!(
            "no server has ever worked in {}: start one with `cargo run`, or name another place \
            with --local",
            directory.display()
        )));
    }
    let embedded = Embedded::start(directory, &config.environment).await?;
    let Some(client) = Client::running(directory).await? else {
        embedded.stop().await;
        return Err(unreachable("the server in this process has not said where it is"));
    };
    Ok(Opened { home: Arc::new(client), embedded: Some(embedded) })
}

#[cfg(feature = "aws")]
async fn on_aws(stack: &str, config: &Config) -> anyhow::Result<Arc<dyn Home>> {
    Ok(Arc::new(stack::Stack::find(stack, &config.environment).await?))
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "the same call as with the feature")]
async fn on_aws(_: &str, _: &Config) -> anyhow::Result<Arc<dyn Home>> {
    Err(crate::exit::usage(
        "this yogi was built without its home on AWS: build it with the feature `aws`",
    ))
}

impl Opened {
    /// Stops the server in this process, if there is one; what it was handling is finished or kept.
    pub(crate) async fn close(self) {
        drop(self.home);
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// How long a home that is away is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryTimeout(pub(crate) Duration);

pub(crate) use self::public::Public;
pub(crate) use self::watched::with_retries;
