//! The benchmark of the Lambda functions: builds them, the floor and the peer, then runs it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::forward::program;
use crate::process::{cargo, command, run};

const PACKAGES: [&str; 6] = ["--package", "ingress", "--package", "worker", "--package", "notifier"];
const PEER: &str = "bench/peer/requirements.txt";

/// Builds everything that is compared, and measures it.
pub(crate) fn bench(root: &Path, arguments: &[String]) -> Result<()> {
    run(cargo(root, ["build", "--release"]).args(PACKAGES))?;
    run(&mut cargo(root, ["build", "--release", "--package", "aws", "--example", "bare"]))?;
    let python = peer(root)?;
    let mut bench = program(root, "bench", "bench");
    bench.arg("functions").arg("--programs").arg(root.join("target/release"));
    run(bench.arg("--python").arg(python).args(arguments))
}

/// Installs the peer's packages into the project's own folder, and returns the Python that has them.
fn peer(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/tools/peer");
    let python = folder.join("bin/python");
    if !python.exists() {
        run(command(root, "python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", PEER];
    run(command(root, &python).args(pip))?;
    Ok(python)
}
