//! The benchmark of the Lambda functions: builds them, the floor and the peer, then runs it.

use std::path::Path;

use anyhow::Result;

use crate::forward::program;
use crate::process::{cargo, run};
use crate::tools::Environment;

const PACKAGES: [&str; 6] =
    ["--package", "ingress", "--package", "worker", "--package", "notifier"];
const PEER: &str = "bench/peer/requirements.txt";

/// Builds everything that is compared, and measures it.
pub(crate) fn bench(root: &Path, arguments: &[String]) -> Result<()> {
    run(cargo(root, ["build", "--release"]).args(PACKAGES))?;
    run(&mut cargo(root, ["build", "--release", "--package", "aws", "--example", "bare"]))?;
    let peer = Environment::prepare(root, "peer", PEER)?;
    let mut bench = program(root, "bench", "bench");
    bench.arg("functions").arg("--programs").arg(root.join("target/release"));
    bench
        .arg("--python")
        .arg(peer.program("python"))
        .arg("--moto")
        .arg(peer.program("moto_server"));
    run(bench.args(arguments))
}
