//! Kills the server under load, again and again, and counts the answers.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::PathBuf;

use anyhow::Context as _;
use bench::report::say;
use bench::soak::{Plan, run};
use clap::Parser;

const SERVER: &str = "learning-yogi-chatbot";

/// Kills the server under load, and expects exactly one answer to every message that was accepted.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask soak")]
struct Flags {
    /// How often the server is killed
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// How many sessions post all the while
    #[arg(long, default_value_t = 8)]
    sessions: usize,
    /// Decides the moments of the kills; without it, a new one each time
    #[arg(long)]
    seed: Option<u64>,
    /// The server's program; without it, the one beside this program
    #[arg(long)]
    program: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let folder = std::env::current_exe()?.parent().context("this program is nowhere")?.to_owned();
    let seed = flags.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let data_dir = folder.join(format!("soak-{}", std::process::id()));
    say(&format!("{} kills, {} sessions, seed {seed}", flags.kills, flags.sessions));
    let plan = Plan {
        program: flags.program.unwrap_or_else(|| folder.join(SERVER)),
        data_dir: data_dir.clone(),
        kills: flags.kills,
        sessions: flags.sessions,
        seed,
    };
    let every = (flags.kills / 10).max(1);
    let progress = |kill: u32| {
        if kill.is_multiple_of(every) {
            say(&format!("killed {kill} times"));
        }
    };
    let told = format!("seed {seed}; the data is left in {}", data_dir.display());
    let found = run(plan, progress).await.context(told)?;
    say(&format!(
        "{} messages accepted, each with one final, in order; errors: {:?}; {} posts repeated, {} finals pushed",
        found.messages, found.errors, found.repeated_posts, found.pushed
    ));
    drop(std::fs::remove_dir_all(data_dir));
    Ok(())
}
