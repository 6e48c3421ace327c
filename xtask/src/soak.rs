//! The long proof: very many simulated turns, and very many kills of the real server.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use anyhow::{Context as _, Result};

use crate::forward::{build_server, program};
use crate::process::{command, keep, output};
use crate::say;

const RECORD: &str = "docs/SOAK.md";

const INTRODUCTION: &str = "\
The long runs that are too long for every test: `cargo xtask soak --write` makes this page.
The simulation runs the real handlers under random faults and checks every invariant of \
[ARCHITECTURE.md](../ARCHITECTURE.md); the kills are `kill -9` of the real server under load, on SQLite.
What is promised, and what is checked in every run of the tests, is in [RELIABILITY.md](RELIABILITY.md).
";

/// Runs both parts, and records what they found; fails with the first thing that is wrong.
pub(crate) fn run(root: &Path, turns: u64, kills: u32, write: bool) -> Result<()> {
    let mut page = page(root)?;
    if turns > 0 {
        let mut simulate = program(root, "simulation", "simulate");
        simulate.args(["--turns", &turns.to_string()]);
        part(&mut page, "Simulated", &mut simulate)?;
    }
    if kills > 0 {
        build_server(root)?;
        let mut soak = program(root, "simulation", "soak");
        soak.args(["--kills", &kills.to_string()]);
        part(&mut page, "Killed", &mut soak)?;
    }
    if write {
        fs::write(root.join(RECORD), page).with_context(|| format!("{RECORD} cannot be written"))?;
        say::line(format!("written: {RECORD}"));
    }
    Ok(())
}

/// Begins the page with where and when it was made.
fn page(root: &Path) -> Result<String> {
    let date = output(command(root, "date").args(["-u", "+%Y-%m-%d"]))?;
    let commit = output(command(root, "git").args(["describe", "--always", "--dirty"]))?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    Ok(format!("# Soak\n\n{INTRODUCTION}\n{}, commit {}, {cores} cores.\n", date.trim(), commit.trim()))
}

fn part(page: &mut String, title: &str, command: &mut Command) -> Result<()> {
    let told = keep(command)?;
    write!(page, "\n## {title}\n\n```text\n{}\n```\n", told.trim_end())?;
    Ok(())
}
