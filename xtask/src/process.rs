//! Runs other programs such as cargo, npm and git.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::print;

/// Variables that `cargo run` adds to the environment.
///
/// Build scripts watch some of them. Passing them on would recompile `ring` whenever `cargo xtask`
/// and plain `cargo` alternate.
const LEFT_BY_CARGO_RUN: [&str; 19] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
    "CARGO_PRIMARY_PACKAGE",
];

/// Creates a command that starts in `folder`, without the variables of `cargo run`.
pub(crate) fn command(folder: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    for name in LEFT_BY_CARGO_RUN {
        command.env_remove(name);
    }
    command
}

/// Creates a cargo command in the root of the workspace.
pub(crate) fn cargo<'a>(root: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = command(root, "cargo");
    command.args(arguments);
    command
}

/// Runs a command with inherited standard streams; fails unless it exits with 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    if status.success() {
        return Ok(());
    }
    bail!("{} ended with {status}", name(command))
}

/// Runs a command and returns its standard output; fails unless it exits with 0.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("{} ended with {}", name(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("the output of {} is not UTF-8", name(command)))
}

/// Runs a command, prints its standard output as it comes, and returns it; fails unless it exits
/// with 0.
pub(crate) fn run_and_capture(command: &mut Command) -> Result<String> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| cannot_start(command))?;
    let mut kept = String::new();
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines) {
        let line = line.with_context(|| format!("the output of {} is not UTF-8", name(command)))?;
        print::line(&line);
        kept.push_str(&line);
        kept.push('\n');
    }
    let status = child.wait()?;
    if status.success() { Ok(kept) } else { bail!("{} ended with {status}", name(command)) }
}

/// Returns whether a program exists and succeeds with the given arguments.
pub(crate) fn is_present(root: &Path, program: &str, arguments: &[&str]) -> Result<bool> {
    let mut probe = command(root, program);
    probe.args(arguments);
    probe.stdin(Stdio::null());
    probe.stdout(Stdio::null());
    probe.stderr(Stdio::null());
    match probe.status() {
        Ok(status) => Ok(status.success()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| cannot_start(&probe)),
    }
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start {}", name(command))
}

fn name(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}
