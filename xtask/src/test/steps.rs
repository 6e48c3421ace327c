//! The commands of each step.
//!
//! Every cargo call covers the whole workspace with the features of its tests, so that dependencies
//! are compiled once for the tests and checked once for the lints.

use std::process::Command;

use anyhow::Result;

use super::{Context, Outcome, Step, contracts, e2e, infra, node};
use crate::cargo_targets::{Target, documented_binaries};
use crate::process::{self, command, is_present};
use crate::source_tree::Tree;
use crate::tidy;
use crate::tools::{PythonEnvironment, has_python};

const CONSUMER: &str = "examples/analytics/python";
const GOLDEN: &str = "examples/library/golden";

/// Runs one step.
pub(super) fn run(context: &Context<'_>, step: Step) -> Result<Outcome> {
    match step {
        Step::Format => finish(&mut context.cargo("fmt", &["--all", "--check"])),
        Step::Clippy => clippy(context),
        Step::Tests => tests(context),
        Step::Doctests => finish(&mut context.locked("test", &["--doc", "--quiet"])),
        Step::Docs => docs(context),
        Step::Tidy => tidy::run(Tree::read(context.root)?).map(|()| Outcome::Done),
        Step::Contracts => contracts::check(&Tree::read(context.root)?).map(|()| Outcome::Done),
        Step::Node => node::run(context, &Tree::read(context.root)?),
        Step::Python => python(context),
        Step::Infra => infra::run(context),
        Step::E2e => e2e::run(context),
        Step::Deny => deny(context),
    }
}

impl Context<'_> {
    fn cargo(&self, command: &str, arguments: &[&str]) -> Command {
        let mut cargo = process::cargo(self.root, [command]);
        cargo.args(arguments);
        cargo
    }

    /// Creates a cargo command for the whole workspace; in CI `Cargo.lock` must be current.
    fn locked(&self, command: &str, arguments: &[&str]) -> Command {
        let mut cargo = self.cargo(command, &["--workspace"]);
        if self.ci {
            cargo.arg("--locked");
        }
        cargo.args(arguments);
        cargo
    }
}

fn clippy(context: &Context<'_>) -> Result<Outcome> {
    finish(&mut context.locked("clippy", &["--all-targets", "--", "-D", "warnings"]))
}

/// Runs the tests of all crates. Those of the AWS adapters use moto, which is installed first.
fn tests(context: &Context<'_>) -> Result<Outcome> {
    if has_python(context.root)? {
        PythonEnvironment::of_infra(context.root)?;
    }
    if !is_present(context.root, "cargo", &["nextest", "--version"])? {
        return finish(&mut context.locked("test", &["--all-targets", "--no-fail-fast"]));
    }
    let mut nextest = context.cargo("nextest", &["run", "--workspace", "--no-fail-fast"]);
    if context.ci {
        nextest.arg("--locked");
    }
    finish(&mut nextest)
}

/// With `--examples`, cargo resolves features as it does for the tests and for clippy.
fn docs(context: &Context<'_>) -> Result<Outcome> {
    let mut doc = context.locked("doc", &["--no-deps", "--lib", "--examples"]);
    let targets = Target::all(context.root)?;
    for binary in documented_binaries(&targets) {
        doc.args(["--bin", binary]);
    }
    finish(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Needs no packages and no server, only Python 3.11 or later.
fn python(context: &Context<'_>) -> Result<Outcome> {
    if !is_present(context.root, "python3", &["-c", "import tomllib"])? {
        return context.missing("python3 of 3.11 or later is not installed");
    }
    process::run(command(&context.root.join(GOLDEN), "python3").arg("check.py"))?;
    finish(command(&context.root.join(CONSUMER), "python3").args(["-m", "unittest"]))
}

/// Advisories are left out, because their database cannot be fetched everywhere.
fn deny(context: &Context<'_>) -> Result<Outcome> {
    if !is_present(context.root, "cargo", &["deny", "--version"])? {
        let why = "cargo-deny is not installed; this step is optional, in CI too";
        return Ok(Outcome::Skipped(why.to_owned()));
    }
    finish(&mut context.cargo("deny", &["check", "licenses", "bans", "sources"]))
}

fn finish(command: &mut Command) -> Result<Outcome> {
    process::run(command).map(|()| Outcome::Done)
}
