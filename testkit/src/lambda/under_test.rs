//! A function's process whose output is kept.

use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::program::{FunctionProgram, RunningFunction, TIMEOUT};
use super::runtime_api::RuntimeCall;

/// A function's process, with all that it writes to its standard output and standard error.
#[derive(Debug)]
pub struct FunctionUnderTest {
    running: RunningFunction,
    outputs: [JoinHandle<Vec<u8>>; 2],
}

impl FunctionUnderTest {
    /// Starts the function.
    pub async fn start(program: &FunctionProgram) -> anyhow::Result<Self> {
        let mut running = program.start_with(Stdio::piped, Stdio::piped).await?;
        let stdout = running.child.stdout.take().context("no standard output")?;
        let stderr = running.child.stderr.take().context("no standard error")?;
        Ok(Self { running, outputs: [tokio::spawn(read(stdout)), tokio::spawn(read(stderr))] })
    }

    /// Waits for the function's next call of the Runtime API.
    pub async fn next_call(&mut self) -> anyhow::Result<RuntimeCall> {
        self.running.next_call().await
    }

    /// Waits until the function asks for an event, gives it this one, and returns its answer.
    pub async fn invoke(&mut self, event: &str) -> anyhow::Result<RuntimeCall> {
        self.running.invoke(event.to_owned()).await
    }

    /// Waits until the process exits by itself, and returns whether it reported success.
    pub async fn wait_for_exit(&mut self) -> anyhow::Result<bool> {
        let exit = timeout(TIMEOUT, self.running.child.wait()).await;
        Ok(exit.context("the function did not exit")??.success())
    }

    /// Kills the process, and returns all that it wrote.
    pub async fn kill(mut self) -> anyhow::Result<String> {
        // It may have exited by itself.
        drop(self.running.child.kill().await);
        let mut text = String::new();
        for output in self.outputs {
            text.push_str(&String::from_utf8_lossy(&output.await?));
        }
        Ok(text)
    }
}

async fn read(mut output: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    // An error ends the output; what was read before it is kept.
    drop(output.read_to_end(&mut bytes).await);
    bytes
}
