//! The soak test: many simulated turns, kills of the real server, and network failures of the chat
//! window.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use anyhow::{Context as _, Result, ensure};

use crate::print;
use crate::process::{self, cargo, command, output, run_and_capture};
use crate::programs::{build_server, program};
use crate::test::install;
use crate::tools::PythonEnvironment;

const RECORD: &str = "docs/SOAK.md";

const INTRODUCTION: &str = "\
Runs that take too long for the test suite; `cargo xtask soak --write` generates this page.
The simulation runs the real handlers under random faults and checks every invariant in \
[ARCHITECTURE.md](../ARCHITECTURE.md). The real server is killed with `kill -9` under load, on \
SQLite.
The network is cut between the chat window, in a real browser, and the real server: cut, \
unreachable for a while, silent, and cut with a page reload.
The Lambda functions are built for arm64, and chatted with under an emulator, where there is one.
[RELIABILITY.md](RELIABILITY.md) lists the guarantees and what every test run checks.
";

/// How much of each; 0 leaves a part out.
pub(crate) struct Amounts {
    pub(crate) turns: u64,
    pub(crate) kills: u32,
    pub(crate) cuts: u32,
    pub(crate) arm64: bool,
}

/// Runs all parts, and records what they found; fails with the first thing that is wrong.
pub(crate) fn run(root: &Path, amounts: &Amounts, write: bool) -> Result<()> {
    let Amounts { turns, kills, cuts, arm64 } = *amounts;
    let commit = commit(root)?;
    if write {
        require_clean(&commit)?;
    }
    let mut page = page(root, &commit)?;
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
    if cuts > 0 {
        section(&mut page, "Cut off", &cut(root, cuts)?)?;
    }
    if arm64 {
        part(&mut page, "On arm64", &mut on_arm64(root)?)?;
    }
    if write {
        fs::write(root.join(RECORD), page)
            .with_context(|| format!("{RECORD} cannot be written"))?;
        print::line(format!("written: {RECORD}"));
    }
    Ok(())
}

/// Names the commit, with `-dirty` appended if the working tree differs from it.
fn commit(root: &Path) -> Result<String> {
    let commit = output(command(root, "git").args(["describe", "--always", "--dirty"]))?;
    Ok(commit.trim().to_owned())
}

/// Fails unless the record can be reproduced from a commit.
fn require_clean(commit: &str) -> Result<()> {
    ensure!(
        !commit.ends_with("-dirty"),
        "--write needs a clean working tree: commit your changes first, so that the record can be \
         reproduced from a commit"
    );
    Ok(())
}

/// Begins the page with where and when it was made.
fn page(root: &Path, commit: &str) -> Result<String> {
    let date = output(command(root, "date").args(["-u", "+%Y-%m-%d"]))?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    Ok(format!("# Soak\n\n{INTRODUCTION}\n{}, commit {commit}, {cores} cores.\n", date.trim()))
}

fn part(page: &mut String, title: &str, command: &mut Command) -> Result<()> {
    section(page, title, &run_and_capture(command)?)
}

fn section(page: &mut String, title: &str, told: &str) -> Result<()> {
    write!(page, "\n## {title}\n\n```text\n{}\n```\n", told.trim_end())?;
    Ok(())
}

/// Builds the functions for arm64 and runs a chat through them; says what is missing if it cannot.
fn on_arm64(root: &Path) -> Result<Command> {
    let mut story = PythonEnvironment::of_infra(root)?.command(&root.join("infra/e2e"), "pytest");
    story.args(["-q", "-rs", "-p", "no:cacheprovider", "arm64"]);
    Ok(story)
}

/// Cuts the network under the chat window in a real browser, and returns what its story reports.
fn cut(root: &Path, cuts: u32) -> Result<String> {
    process::run(&mut cargo(root, ["build", "--workspace", "--bins"]))?;
    let widget = root.join("widget");
    install(&widget)?;
    process::run(command(&widget, "npm").args(["run", "build"]))?;
    let report = widget.join("node_modules/.cuts.txt");
    let mut story = command(&widget, "npm");
    story.args(["run", "e2e", "--", "network-faults"]).env("CI", "true");
    story.env("WIDGET_CUTS", cuts.to_string()).env("WIDGET_REPORT", &report);
    process::run(&mut story)?;
    fs::read_to_string(&report).with_context(|| format!("{} was not written", report.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_written_from_clean_commits_only() {
        assert!(require_clean("0123abc").is_ok());
        assert!(require_clean("0123abc-dirty").is_err());
    }
}
