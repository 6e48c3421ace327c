//! Kills the server under load, again and again; `cargo xtask soak` builds it and calls it.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Parser;
use simulation::soak::{SoakPlan, run};

const SERVER: &str = "learning-yogi-chatbot";

/// Kill the server under load, and check that every accepted message has exactly one answer
#[derive(Debug, Parser)]
#[command(name = "cargo xtask soak")]
struct Flags {
    /// Number of times the server is killed
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Number of users who chat all the while
    #[arg(long, default_value_t = 12)]
    people: u32,
    /// Seed of what users, providers and the killer do [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// Path of the server [default: next to this program]
    #[arg(long)]
    program: Option<PathBuf>,
    /// Succeed even if something was not exercised, as happens in short runs
    #[arg(long)]
    short: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let folder = std::env::current_exe()?
        .parent()
        .context("the directory of this program is unknown")?
        .to_owned();
    let seed = flags.seed.unwrap_or_else(|| fastrand::u64(..));
    let data_dir = folder.join(format!("soak-{}", std::process::id()));
    say(&format!("{} kills, {} users, seed {seed}", flags.kills, flags.people));
    let plan = SoakPlan {
        program: flags.program.unwrap_or_else(|| folder.join(SERVER)),
        data_dir: data_dir.clone(),
        kills: flags.kills,
        people: flags.people,
        seed,
    };
    let every = (flags.kills / 10).max(1);
    let progress = |kill: u32| {
        if kill.is_multiple_of(every) {
            say(&format!("killed {kill} times"));
        }
    };
    let told = format!("seed {seed}; the data directory is kept: {}", data_dir.display());
    let found = run(plan, progress).await.context(told)?;
    drop(std::fs::remove_dir_all(data_dir));
    say(&found.table());
    say(&format!(
        "{} messages with one final each, in order; nothing lost, nothing doubled",
        found.finals()
    ));
    let missing = found.missing();
    ensure!(
        flags.short || missing.is_empty(),
        "never happened: {}; kill more often",
        missing.join(", ")
    );
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is a command line's output")]
fn say(text: &str) {
    println!("{}", text.trim_end());
}
