//! The scenarios: one file for each kind.

mod admin;
mod batch;
mod bench;
mod cache;
mod compare;
mod events;
mod first_build;
mod history;
mod launch;
mod memory;
mod pairs;

pub use bench::{Bench, Pace};
pub use launch::place_on;
use launch::{Launch, Program, Running};

use crate::report::Section;

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// Messages per second of one core, against the floor
    Throughput,
    /// Time to first token of one session, against the floor
    FirstToken,
    /// Time to first token of the slowest of 20 sessions, against the floor
    Tail,
    /// Throughput with every commit synced, against synced checkpoints only
    Durability,
    /// CPU per message of 1,000 sessions, against 50
    Crowd,
    /// CPU per message late in a session, against early
    LongSession,
    /// Memory of the idle server, and of an idle session
    Memory,
    /// A batch of `yogi` against the live path, alone and beside live users
    Batch,
    /// A repeated first question, and a new one, with the reply cache and without
    Cache,
    /// The operator page over a million events, against one over none
    Admin,
    /// CPU of the first build, in a target folder of its own; takes minutes
    FirstBuild,
}

impl Scenario {
    /// Every scenario but the build, in the order of the table.
    pub const RUNS: [Self; 10] = [
        Self::Throughput,
        Self::FirstToken,
        Self::Tail,
        Self::Durability,
        Self::Crowd,
        Self::LongSession,
        Self::Memory,
        Self::Batch,
        Self::Cache,
        Self::Admin,
    ];

    /// Runs the scenario.
    pub async fn run(self, bench: &Bench) -> anyhow::Result<Section> {
        match self {
            Self::Throughput => pairs::throughput(bench).await,
            Self::FirstToken => pairs::first_token(bench).await,
            Self::Tail => pairs::tail(bench).await,
            Self::Durability => pairs::durability(bench).await,
            Self::Crowd => pairs::crowd(bench).await,
            Self::LongSession => history::long_session(bench).await,
            Self::Memory => memory::memory(bench).await,
            Self::Batch => batch::batch(bench).await,
            Self::Cache => cache::cache(bench).await,
            Self::Admin => admin::admin(bench).await,
            Self::FirstBuild => first_build::first_build(bench).await,
        }
    }
}
