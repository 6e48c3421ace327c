//! What the first `cargo run` on a fresh machine costs, without downloads.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::Bench;
use crate::measure::{Process, Spread};
use crate::report::{Section, Target};

/// Builds once, in a target folder of its own, which is removed afterwards.
pub(super) async fn first_build(bench: &Bench) -> anyhow::Result<Section> {
    let target = bench
        .programs
        .parent()
        .context("the programs are in no build folder")?
        .join("bench-first-build");
    drop(std::fs::remove_dir_all(&target));
    let folder = target.clone();
    let spent = tokio::task::spawn_blocking(move || build(&folder)).await?;
    std::fs::remove_dir_all(&target)?;
    let minutes = Spread::of([spent?.as_secs_f64() / 60.0]);
    let note = "`cargo build` of the default package into an empty target folder on both cores, \
        once, with crates already downloaded; user and system time of all its processes. The \
        server is ready within a second after the build.";
    let figure = "CPU of the first build";
    Ok(Section::new("The first build", note).with_row(
        figure,
        Target::AtMost(4.0),
        minutes,
        "minutes",
        1,
    ))
}

fn build(target: &std::path::Path) -> anyhow::Result<Duration> {
    let own = Process(std::process::id());
    let before = own.children_cpu()?;
    let mut cargo = Command::new("taskset");
    cargo
        .args(["-c", "0,1", "cargo", "build", "--quiet"])
        .env("CARGO_TARGET_DIR", target)
        .stdin(Stdio::null());
    if !cargo.status()?.success() {
        bail!("the build failed");
    }
    Ok(own.children_cpu()?.saturating_sub(before))
}
