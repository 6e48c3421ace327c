//! The server's process.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const START_PATIENCE: Duration = Duration::from_secs(30);
const SAYS_WHERE: &str = "chat at ";

/// How the server is started.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) data_dir: PathBuf,
    pub(super) provider: String,
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
    pub(super) fn start(launch: &Launch) -> anyhow::Result<Self> {
        let mut command = Command::new(&launch.program);
        command.args(["--port", "0", "--data-dir"]).arg(&launch.data_dir);
        command.env_clear().env("ANTHROPIC_API_KEY", "soak").env("ANTHROPIC_BASE_URL", &launch.provider);
        command.env("CHATBOT_RATE_PRINCIPAL_PER_MINUTE", "0").env("CHATBOT_RATE_ADDRESS_PER_5_MINUTES", "0");
        command.env("CHATBOT_MAX_WAITING_MESSAGES", "10");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{} cannot be run", launch.program.display()))?;
        let stderr = child.stderr.take().context("the log is not to be had")?;
        let (found, address) = oneshot::channel();
        let log = tokio::spawn(async move {
            let (mut lines, mut found, mut panic) = (BufReader::new(stderr).lines(), Some(found), None);
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, place)) = line.split_once(SAYS_WHERE) {
                    drop(found.take().map(|found| found.send(place.trim().to_owned())));
                }
                if panic.is_none() && line.contains("panicked at") {
                    panic = Some(line);
                }
            }
            panic
        });
        Ok(Self { child, address, log })
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
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        match self.log.await? {
            Some(line) => bail!("the server panicked: {line}"),
            None => Ok(()),
        }
    }
}
