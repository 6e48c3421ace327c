//! What all runs share: the stub provider, the folders, durations and repetitions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::{Launch, Program, Running};
use crate::load::Plan;
use crate::measure::Disk;
use testkit::stub_provider::{Behaviour, Options, Reply, StubProvider};

/// Tokens of every reply.
const TOKENS: usize = 50;

/// Duration and repetitions of the runs.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Interleaved repetitions of each run.
    pub repetitions: usize,
    /// Time before the measured window.
    pub warm_up: Duration,
    /// The measured window.
    pub window: Duration,
}

/// The set-up of all measurements.
#[derive(Debug)]
pub struct Bench {
    pub(super) pace: Pace,
    pub(super) programs: PathBuf,
    folder: PathBuf,
    stub: StubProvider,
    /// The disk that the data is on.
    pub disk: Disk,
}

impl Bench {
    /// Starts the stub provider, and measures the disk.
    ///
    /// `programs` is the folder of the built programs; data goes to `bench-data` beside it.
    pub async fn start(programs: &Path, pace: Pace) -> anyhow::Result<Self> {
        let target = programs.parent().context("the programs are in no build folder")?;
        let folder = target.join("bench-data");
        std::fs::create_dir_all(&folder)?;
        let disk = Disk::of(&folder)?;
        let stub =
            StubProvider::start_with(Behaviour::Reply(Reply::words(TOKENS)), Options::bench())
                .await?;
        Ok(Self { pace, programs: programs.to_owned(), folder, stub, disk })
    }

    /// Returns a launch of the program with the stub as its provider.
    pub(super) fn launch(&self, program: Program) -> Launch {
        Launch { program, provider: Some(self.stub.url()), settings: Vec::new() }
    }

    pub(super) async fn run(&self, launch: &Launch) -> anyhow::Result<Running> {
        launch.start(&self.programs, &self.folder).await
    }

    /// Makes a folder for data that several runs share; it is removed with the bench.
    pub(super) fn shared_data(&self, name: &str) -> anyhow::Result<PathBuf> {
        let data = self.folder.join(name);
        std::fs::create_dir_all(&data)?;
        Ok(data)
    }

    /// Sets the pause before each token, and returns the text of every reply from now on.
    pub(super) fn set_delay(&self, delay: Duration) -> Arc<str> {
        let reply = Reply::words(TOKENS).paced(delay);
        let text = reply.whole().into();
        self.stub.set(Behaviour::Reply(reply));
        text
    }

    pub(super) fn plan(&self, sessions: usize, turns: Option<u64>, delay: Duration) -> Plan {
        Plan { sessions, turns, reply: self.set_delay(delay), varied: false }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
