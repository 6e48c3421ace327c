//! A function that is started, asked and read.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::program::{Program, Running};
use super::runtime_api::Said;

/// How long a function may be silent before the trial is over.
const PATIENCE: Duration = Duration::from_mins(1);

/// A function on trial.
pub struct Trial {
    running: Running,
    written: [JoinHandle<Vec<u8>>; 2],
}

impl Trial {
    /// Starts the function, and keeps all that it writes.
    pub async fn start(program: &Program) -> anyhow::Result<Self> {
        let mut running = program.start_with(Stdio::piped, Stdio::piped).await?;
        let stdout = running.child.stdout.take().context("no standard output")?;
        let stderr = running.child.stderr.take().context("no standard error")?;
        Ok(Self { running, written: [tokio::spawn(read(stdout)), tokio::spawn(read(stderr))] })
    }

    /// Waits for what the function says next.
    pub async fn heard(&mut self) -> anyhow::Result<Said> {
        timeout(PATIENCE, self.running.api.heard()).await.context("the function is silent")?
    }

    /// Gives the function an event once it asks for one, and returns what it says to that.
    pub async fn ask(&mut self, event: &str) -> anyhow::Result<Said> {
        match self.heard().await? {
            Said::Next(question) => question.give(event.to_owned()),
            said => anyhow::bail!("the function does not ask for an event: {said:?}"),
        }
        self.heard().await
    }

    /// Waits until the function ends by itself, and returns whether it was content.
    pub async fn ended(&mut self) -> anyhow::Result<bool> {
        Ok(timeout(PATIENCE, self.running.child.wait())
            .await
            .context("the function goes on")??
            .success())
    }

    /// Ends the function, and returns all that it wrote.
    pub async fn end(mut self) -> anyhow::Result<String> {
        // It may have ended by itself.
        drop(self.running.child.kill().await);
        let mut text = String::new();
        for written in self.written {
            text.push_str(&String::from_utf8_lossy(&written.await?));
        }
        Ok(text)
    }
}

async fn read(mut output: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read before a failure counts.
    drop(output.read_to_end(&mut bytes).await);
    bytes
}
