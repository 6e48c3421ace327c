//! The commands that are programs of their own, in `bench/`.

use std::path::Path;

use anyhow::{Result, bail};

use crate::process::{cargo, run};
use crate::targets::Target;

const SERVER: [&str; 5] = ["build", "--package", "local", "--profile", "server"];

/// Builds the server as it is shipped, then runs the bench on it.
pub(crate) fn bench(root: &Path, arguments: Vec<String>) -> Result<()> {
    program(root, "bench", arguments)
}

/// Builds the server as it is shipped, then kills it under load `kills` times.
pub(crate) fn soak(root: &Path, kills: Option<u32>, rest: Vec<String>) -> Result<()> {
    program(root, "soak", soak_arguments(kills, rest))
}

fn soak_arguments(kills: Option<u32>, rest: Vec<String>) -> Vec<String> {
    let kills = kills.map(|n| ["--kills".to_owned(), n.to_string()]);
    kills.into_iter().flatten().chain(rest).collect()
}

fn program(root: &Path, binary: &str, arguments: Vec<String>) -> Result<()> {
    if !Target::all(root)?.iter().any(|t| t.is("bench", "bin", binary)) {
        bail!("the crate `bench` has no binary `{binary}`");
    }
    run(&mut cargo(root, SERVER))?;
    let mut command = cargo(root, ["run", "--package", "bench", "--profile", "server"]);
    run(command.args(["--bin", binary, "--"]).args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_kills_comes_before_the_other_arguments() {
        let arguments = soak_arguments(Some(3), vec!["--seed".into(), "1".into()]);
        assert_eq!(arguments, ["--kills", "3", "--seed", "1"]);
        assert!(soak_arguments(None, Vec::new()).is_empty());
    }
}
