//! The commands that are programs of their own.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, run};

/// Builds the server and `yogi` as they are shipped, then runs the bench on them; or the functions,
/// if they are named first.
pub(crate) fn bench(root: &Path, arguments: Vec<String>) -> Result<()> {
    if let [first, rest @ ..] = arguments.as_slice()
        && first == "functions"
    {
        return crate::functions::bench(root, rest);
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

/// Builds the server as it is shipped.
pub(crate) fn build_server(root: &Path) -> Result<()> {
    run(&mut cargo(root, ["build", "--package", "local", "--profile", "server"]))
}

/// Makes the command that builds a program as fast as it gets, and runs it.
pub(crate) fn program(root: &Path, package: &str, binary: &str) -> Command {
    cargo(root, ["run", "--package", package, "--profile", "server", "--bin", binary, "--"])
}
