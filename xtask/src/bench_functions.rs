//! The benchmark of the Lambda functions, a bare function and a Python one.

use std::path::Path;

use anyhow::Result;

use crate::process::{cargo, run};
use crate::programs::program;
use crate::tools::PythonEnvironment;

const PACKAGES: [&str; 6] =
    ["--package", "ingress", "--package", "worker", "--package", "notifier"];
const PEER: &str = "bench/peer/requirements.txt";

/// Builds everything that is compared, and runs the benchmark.
pub(crate) fn bench(root: &Path, arguments: &[String]) -> Result<()> {
    run(cargo(root, ["build", "--release"]).args(PACKAGES))?;
    run(&mut cargo(root, ["build", "--release", "--package", "aws", "--example", "bare"]))?;
    let peer = PythonEnvironment::prepare(root, "peer", PEER)?;
    let mut bench = program(root, "bench", "bench");
    bench.arg("functions").arg("--programs").arg(root.join("target/release"));
    bench
        .arg("--python")
        .arg(peer.program("python"))
        .arg("--moto")
        .arg(peer.program("moto_server"));
    run(bench.args(arguments))
}
