//! Kills the server under load, again and again; `cargo xtask soak` builds it and calls it.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Parser;
use simulation::machine::{Plan, run};

const SERVER: &str = "learning-yogi-chatbot";

/// Kills the server under load, and expects exactly one answer to every message that was accepted.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask soak")]
struct Flags {
    /// How often the server is killed
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// How many people talk all the while
    #[arg(long, default_value_t = 12)]
    people: u32,
    /// Decides what people, providers and the killer do; without it, a new one each time
    #[arg(long)]
    seed: Option<u64>,
    /// The server's program; without it, the one beside this program
    #[arg(long)]
    program: Option<PathBuf>,
    /// Accepts that something was not exercised, as in a short run
    #[arg(long)]
    short: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let folder = std::env::current_exe()?.parent().context("this program is nowhere")?.to_owned();
    let seed = flags.seed.unwrap_or_else(|| fastrand::u64(..));
    let data_dir = folder.join(format!("soak-{}", std::process::id()));
    say(&format!("{} kills, {} people, seed {seed}", flags.kills, flags.people));
    let plan = Plan {
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
    let told = format!("seed {seed}; the data is left in {}", data_dir.display());
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
