//! The server's process.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const START_PATIENCE: Duration = Duration::from_secs(30);
/// Longer than `CHATBOT_SHUTDOWN_SECONDS` below.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
const SAYS_WHERE: &str = "chat at ";

/// Providers that fall silent are left soon, breakers close soon, and nobody is too fast.
const SETTINGS: [(&str, &str); 11] = [
    ("ANTHROPIC_API_KEY", "soak"),
    ("OPENAI_API_KEY", "soak"),
    ("CHATBOT_RATE_PRINCIPAL_PER_MINUTE", "0"),
    ("CHATBOT_RATE_ADDRESS_PER_5_MINUTES", "0"),
    ("CHATBOT_MAX_WAITING_MESSAGES", "10"),
    ("CHATBOT_FIRST_BYTE_TIMEOUT_MS", "300"),
    ("CHATBOT_IDLE_TIMEOUT_MS", "300"),
    ("CHATBOT_BREAKER_OPEN_SECONDS", "1"),
    ("CHATBOT_HISTORY_TOKENS", "800"),
    ("CHATBOT_SHUTDOWN_SECONDS", "1"),
    ("CHATBOT_LOG", "warn,local=info"),
];

/// How the server is started.
#[derive(Debug)]
pub(super) struct ServerLaunch {
    pub(super) program: PathBuf,
    pub(super) data_dir: PathBuf,
    /// Where Claude is, and where `OpenAI` is.
    pub(super) providers: [String; 2],
}

/// A server at work. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    address: oneshot::Receiver<String>,
    /// Reads the log to its end, and gives the first line that tells of a panic.
    log: JoinHandle<Option<String>>,
}

impl Server {
    pub(super) fn start(launch: &ServerLaunch) -> anyhow::Result<Self> {
        let [claude, openai] = &launch.providers;
        let mut command = Command::new(&launch.program);
        command.args(["--port", "0", "--data-dir"]).arg(&launch.data_dir);
        command
            .env_clear()
            .envs(SETTINGS)
            .env("ANTHROPIC_BASE_URL", claude)
            .env("OPENAI_BASE_URL", openai);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .with_context(|| format!("{} cannot be run", launch.program.display()))?;
        let stderr = child.stderr.take().context("the log is not to be had")?;
        let (found, address) = oneshot::channel();
        Ok(Self { child, address, log: tokio::spawn(read(stderr, found)) })
    }

    /// Waits until it listens, and returns its base address.
    pub(super) async fn ready(&mut self) -> anyhow::Result<String> {
        match timeout(START_PATIENCE, &mut self.address).await {
            Ok(Ok(address)) => Ok(address),
            Ok(Err(_)) => bail!("the server ended at its start: {}", self.child.wait().await?),
            Err(_) => bail!("the server does not listen"),
        }
    }

    /// Kills it as `kill -9` does. A panic before that is an error.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        self.no_panic().await
    }

    /// Asks it to stop, without waiting for it.
    pub(super) async fn ask_to_stop(&self) -> anyhow::Result<()> {
        let id = self.child.id().context("the server has ended by itself")?;
        let sent = Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        ensure!(sent.success(), "the server has ended by itself");
        Ok(())
    }

    /// Stops it as an operator does, and waits until it is gone.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.ask_to_stop().await?;
        let ended = timeout(STOP_PATIENCE, self.child.wait())
            .await
            .context("the server does not stop")??;
        ensure!(ended.success(), "the server stopped with {ended}");
        self.no_panic().await
    }

    async fn no_panic(&mut self) -> anyhow::Result<()> {
        match (&mut self.log).await? {
            Some(line) => bail!("the server panicked: {line}"),
            None => Ok(()),
        }
    }
}

/// Reads the log to its end: tells the address, and returns the first line about a panic.
async fn read(stderr: ChildStderr, found: oneshot::Sender<String>) -> Option<String> {
    let mut lines = BufReader::new(stderr).lines();
    let mut found = Some(found);
    let mut panic = None;
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some((_, place)) = line.split_once(SAYS_WHERE) {
            drop(found.take().map(|found| found.send(place.trim().to_owned())));
        }
        if panic.is_none() && line.contains("panicked at") {
            panic = Some(line);
        }
    }
    panic
}
