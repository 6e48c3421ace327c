//! Commands that are separate programs: the benchmark and the simulation.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, run};

/// Builds the server and `yogi` as they are released and runs the benchmark on them, or on the
/// functions if that is the first argument.
pub(crate) fn bench(root: &Path, arguments: Vec<String>) -> Result<()> {
    if let [first, rest @ ..] = arguments.as_slice()
        && first == "functions"
    {
        return crate::bench_functions::bench(root, rest);
    }
    build_server(root)?;
    run(&mut cargo(
        root,
        ["build", "--package", "cli", "--no-default-features", "--profile", "server"],
    ))?;
    run(program(root, "bench", "bench").args(arguments))
}

/// Runs the simulation.
pub(crate) fn simulate(root: &Path, arguments: Vec<String>) -> Result<()> {
    run(program(root, "simulation", "simulate").args(arguments))
}

/// Builds the server as it is released.
pub(crate) fn build_server(root: &Path) -> Result<()> {
    run(&mut cargo(root, ["build", "--package", "local", "--profile", "server"]))
}

/// Creates the command that builds a program with full optimisation and runs it.
pub(crate) fn program(root: &Path, package: &str, binary: &str) -> Command {
    cargo(root, ["run", "--package", package, "--profile", "server", "--bin", binary, "--"])
}
