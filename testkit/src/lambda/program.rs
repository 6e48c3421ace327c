//! A function's program and its process.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use super::runtime_api::{RuntimeApi, RuntimeCall};

/// How long a function may take to make its next call, or to exit, before it counts as hung.
pub(super) const TIMEOUT: Duration = Duration::from_mins(1);

/// A program that can be started as a Lambda function.
#[derive(Debug, Clone)]
pub struct FunctionProgram {
    /// Name of the function in reports.
    pub name: &'static str,
    /// Path of the executable.
    pub path: PathBuf,
    /// Arguments of the executable.
    pub arguments: Vec<String>,
    /// Environment variables, besides those that Lambda sets.
    pub variables: Vec<(&'static str, String)>,
}

/// A function's process. It is killed on drop.
#[derive(Debug)]
pub struct RunningFunction {
    /// The Runtime API that the process calls.
    pub api: RuntimeApi,
    /// When the process was started.
    pub started_at: Instant,
    pub(super) child: Child,
}

impl FunctionProgram {
    /// Returns one of the chatbot's functions with every variable that its deployment sets.
    ///
    /// The addresses of its services lead nowhere: starting a function calls none of them.
    pub fn deployed(name: &'static str, path: impl Into<PathBuf>) -> Self {
        let variables =
            VARIABLES.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { name, path: path.into(), arguments: Vec::new(), variables }
    }

    /// Sets a variable, in place of an earlier value.
    #[must_use]
    pub fn with_variable(self, name: &'static str, value: impl Into<String>) -> Self {
        let mut program = self.without_variable(name);
        program.variables.push((name, value.into()));
        program
    }

    /// Removes a variable.
    #[must_use]
    pub fn without_variable(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self
    }

    /// Starts the process with an environment of its own, as Lambda does.
    ///
    /// The memory limit is set as a variable only; nothing enforces it.
    pub async fn start(&self) -> anyhow::Result<RunningFunction> {
        self.start_with(Stdio::null, Stdio::null).await
    }

    pub(super) async fn start_with(
        &self,
        stdout: impl FnOnce() -> Stdio,
        stderr: impl FnOnce() -> Stdio,
    ) -> anyhow::Result<RunningFunction> {
        let api = RuntimeApi::start().await?;
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear().kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(stdout()).stderr(stderr());
        command.env("AWS_LAMBDA_RUNTIME_API", api.address().to_string());
        command.envs(LAMBDA).envs(self.variables.iter().map(|(name, value)| (name, value)));
        let started_at = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", self.path.display()))?;
        Ok(RunningFunction { api, started_at, child })
    }
}

impl RunningFunction {
    /// Waits for the function's next call of the Runtime API.
    ///
    /// Fails if the function is silent for a minute, as one that has died is.
    pub async fn next_call(&mut self) -> anyhow::Result<RuntimeCall> {
        timeout(TIMEOUT, self.api.next_call()).await.context("the function made no call")?
    }

    /// Waits until the function asks for an event, gives it this one, and returns its answer.
    pub async fn invoke(&mut self, event: impl Into<Bytes>) -> anyhow::Result<RuntimeCall> {
        match self.next_call().await? {
            RuntimeCall::Next(pending) => pending.send_event(event),
            call => bail!("the function did not ask for an event: {call:?}"),
        }
        self.next_call().await
    }

    /// Returns the id of the process.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the function has exited")
    }
}

/// What Lambda sets for every function. The credentials are placeholders.
const LAMBDA: [(&str, &str); 11] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "bench"),
    ("AWS_SECRET_ACCESS_KEY", "bench"),
    ("AWS_SESSION_TOKEN", "bench"),
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
];

/// What the deployment sets for the chatbot's functions; nothing listens at the addresses.
const VARIABLES: [(&str, &str); 16] = [
    ("CHATBOT_STAGE", "bench"),
    ("CHATBOT_TABLE", "chatbot-sessions"),
    ("CHATBOT_LOG", "info"),
    ("CHATBOT_LOG_FORMAT", "json"),
    ("CHATBOT_REQUESTS_QUEUE_URL", "http://127.0.0.1:9/123456789012/requests.fifo"),
    ("CHATBOT_REPLIES_QUEUE_URL", "http://127.0.0.1:9/123456789012/replies.fifo"),
    ("CHATBOT_SIGNING_SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:signing"),
    ("CHATBOT_API_KEYS_SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:keys"),
    ("CHATBOT_PROVIDER_PREFERENCE_PARAMETER", "/learning-yogi/chatbot/provider-preference"),
    ("CHATBOT_CONNECTIONS_URL", "http://127.0.0.1:9/bench"),
    ("CHATBOT_WEBSOCKET_URL", "ws://127.0.0.1:9/bench"),
    ("CHATBOT_EVENT_BUS", "learning-yogi-chatbot"),
    ("CHATBOT_AUTH_MODE", "NONE"),
    ("CHATBOT_ALLOW_ANONYMOUS", "true"),
    ("CHATBOT_DAILY_BUDGET_USD", "5"),
    ("CHATBOT_ALLOWED_ORIGINS", "https://app.example.com"),
];
