//! A function's process.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::runtime_api::RuntimeApi;

/// What is started as a function.
#[derive(Debug, Clone)]
pub struct Program {
    /// How the tables call it.
    pub name: &'static str,
    /// The program.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its variables, besides those that Lambda sets.
    pub variables: Vec<(&'static str, String)>,
}

/// A function that was started. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    /// Where it asks for work.
    pub api: RuntimeApi,
    /// When it was started.
    pub at: Instant,
    pub(super) child: Child,
}

impl Program {
    /// Starts it as Lambda does: with an environment of its own, and 128 MB by name only.
    pub async fn start(&self) -> anyhow::Result<Running> {
        self.start_with(Stdio::null, Stdio::null).await
    }

    pub(super) async fn start_with(
        &self,
        stdout: impl FnOnce() -> Stdio,
        stderr: impl FnOnce() -> Stdio,
    ) -> anyhow::Result<Running> {
        let api = RuntimeApi::start().await?;
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear().kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(stdout()).stderr(stderr());
        command.env("AWS_LAMBDA_RUNTIME_API", api.address().to_string());
        command.envs(LAMBDA).envs(self.variables.iter().map(|(name, value)| (name, value)));
        let at = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", self.path.display()))?;
        Ok(Running { api, at, child })
    }
}

impl Running {
    /// Returns the id of the process.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the function has ended")
    }
}

/// What Lambda sets for every function; the credentials are no secret of anybody.
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
