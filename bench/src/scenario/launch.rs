//! Starting the programs that are measured, each on core 0, on a free port, in a folder of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::measure::Process;

const CORE: &str = "0";
const START_PATIENCE: Duration = Duration::from_secs(20);
const START_POLL: Duration = Duration::from_millis(5);
const SERVER: &str = "learning-yogi-chatbot";

/// The program to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Server,
    Floor,
}

/// How a program is started.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) program: Program,
    /// The provider's base address; none leaves the server without one.
    pub(super) provider: Option<String>,
    /// Variables of the server beside those that every run has.
    pub(super) settings: Vec<(&'static str, String)>,
}

/// A running program. Dropping it kills it and removes its data, unless that was there before.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    own_data: Option<PathBuf>,
    pub(super) address: SocketAddr,
}

/// Pins a process and all its threads to a core.
///
/// Fails where there is no such core or no `taskset`.
pub fn place_on(core: usize, process: u32) -> anyhow::Result<()> {
    let arguments = ["-a", "-c", "-p", &core.to_string(), &process.to_string()];
    let mut taskset = std::process::Command::new("taskset");
    let status = taskset
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .context("`taskset` (util-linux) is needed")?;
    if !status.success() {
        bail!("core {core} cannot be had: the bench needs two cores");
    }
    Ok(())
}

impl Launch {
    /// Starts the program with new data in `folder`, and waits until it listens.
    pub(super) async fn start(&self, programs: &Path, folder: &Path) -> anyhow::Result<Running> {
        let address = free_address()?;
        let data = folder.join(format!("run-{}", address.port()));
        std::fs::create_dir_all(&data)?;
        let mut running = self.spawn(programs, address, &data)?;
        running.own_data = Some(data);
        running.listens().await?;
        Ok(running)
    }

    /// Starts the program on data that outlives it, and waits until it listens.
    pub(super) async fn start_on(&self, programs: &Path, data: &Path) -> anyhow::Result<Running> {
        let mut running = self.spawn(programs, free_address()?, data)?;
        running.listens().await?;
        Ok(running)
    }

    fn spawn(&self, programs: &Path, address: SocketAddr, data: &Path) -> anyhow::Result<Running> {
        let mut command = Command::new("taskset");
        command.args(["-c", CORE]).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null());
        match self.program {
            Program::Server => self.server(&mut command, programs, address.port(), data),
            Program::Floor => self.floor(&mut command, programs, address.port(), data),
        }
        let child = command.spawn().context("`taskset` (util-linux) is needed")?;
        Ok(Running { child, own_data: None, address })
    }

    fn server(&self, command: &mut Command, programs: &Path, port: u16, data: &Path) {
        command
            .arg(programs.join(SERVER))
            .args(["--port", &port.to_string(), "--data-dir"])
            .arg(data);
        command.env_clear().env("CHATBOT_LOG", "warn");
        command
            .env("CHATBOT_RATE_PRINCIPAL_PER_MINUTE", "0")
            .env("CHATBOT_RATE_ADDRESS_PER_5_MINUTES", "0");
        if let Some(provider) = &self.provider {
            command.env("ANTHROPIC_API_KEY", "bench").env("ANTHROPIC_BASE_URL", provider);
        }
        command.envs(self.settings.iter().map(|(name, value)| (*name, value)));
    }

    fn floor(&self, command: &mut Command, programs: &Path, port: u16, data: &Path) {
        command.arg(programs.join("bench")).args([
            "floor",
            "--port",
            &port.to_string(),
            "--database",
        ]);
        command.arg(data.join("floor.db")).arg("--provider").args(&self.provider);
    }
}

/// Returns an address whose port was free a moment ago: the server's log, which would name the port
/// that it chose, is off in a run.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl Running {
    /// Returns the process; `taskset` has become the program itself.
    pub(super) fn process(&self) -> anyhow::Result<Process> {
        Ok(Process(self.child.id().context("the program has ended")?))
    }

    /// Ends the program, and removes the data that was made for it.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    async fn listens(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        while TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the program ended at its start: {status}");
            }
            if began.elapsed() > START_PATIENCE {
                bail!("the program does not listen");
            }
            sleep(START_POLL).await;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(data) = &self.own_data {
            drop(std::fs::remove_dir_all(data));
        }
    }
}
