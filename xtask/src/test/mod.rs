//! Everything that CI checks, as steps that can be run alone.

mod contracts;
mod e2e;
mod infra;
mod live;
mod node;
mod steps;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Error, Result, bail};
use clap::ValueEnum;

use crate::say;

pub(crate) use node::install;

/// The steps, in the order in which they run: quick ones that fail often come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Formatting, by rustfmt
    Format,
    /// Lints, with warnings as errors
    Clippy,
    /// Tests, by nextest where it is installed
    Tests,
    /// Examples in the documentation
    Doctests,
    /// The documentation itself, with warnings as errors
    Docs,
    /// The rules of the house
    Tidy,
    /// The contract files
    Contracts,
    /// Tests of pages and packages, on Node
    Node,
    /// Tests of the analytics consumer in Python
    Python,
    /// The descriptions of the system on AWS: lints, packaging, and whether they are the same
    /// system
    Infra,
    /// The deployed system on stand-ins for AWS, end to end
    E2e,
    /// Licences and sources of dependencies, where cargo-deny is installed
    Deny,
}

/// How a step ended that did not fail.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// The line says what is missing.
    Skipped(String),
}

/// What a step needs to know.
struct Context<'a> {
    root: &'a Path,
    /// A missing tool is an error, and `Cargo.lock` must be current.
    ci: bool,
}

impl Context<'_> {
    /// Returns a skip, or in CI an error, for a tool that is not installed.
    fn missing(&self, what: &str) -> Result<Outcome> {
        if self.ci {
            bail!("{what}, and CI runs every step");
        }
        Ok(Outcome::Skipped(what.to_owned()))
    }
}

/// Runs one step or all, stops at the first failure, and sums up what was done.
pub(crate) fn run(root: &Path, only: Option<Step>, ci: bool) -> Result<()> {
    let context = Context { root, ci };
    let steps = only.map_or_else(|| Step::value_variants().to_vec(), |step| vec![step]);
    let mut finished = Vec::new();
    let done = steps.into_iter().try_for_each(|step| one(&context, step, &mut finished));
    say::heading("summary");
    finished.iter().for_each(say::line);
    done?;
    say::line("Nothing failed.");
    Ok(())
}

/// Runs one step and adds its line to the summary.
fn one(context: &Context<'_>, step: Step, finished: &mut Vec<String>) -> Result<()> {
    say::heading(name(step));
    let (outcome, time) = timed(|| steps::run(context, step));
    let line = summary(step, outcome.as_ref(), time);
    say::line(&line);
    finished.push(line);
    match outcome {
        Ok(_) => Ok(()),
        Err(error) => bail!("{error:#}\nrepeat with: cargo xtask test --only {}", name(step)),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this measures real commands; there is no runtime whose time could be paused"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

fn summary(step: Step, outcome: Result<&Outcome, &Error>, time: Duration) -> String {
    let (word, why) = match outcome {
        Ok(Outcome::Done) => ("ok", ""),
        Ok(Outcome::Skipped(why)) => ("skipped", why.as_str()),
        Err(_) => ("FAILED", ""),
    };
    let name = name(step);
    let seconds = time.as_secs_f64();
    let line = format!("{name:<10} {word:<8} {seconds:>6.1} s  {why}");
    line.trim_end().to_owned()
}

fn name(step: Step) -> String {
    let value = step.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_skipped_at_home_and_fails_in_ci() {
        let context = |ci| Context { root: Path::new("."), ci };
        let skipped = Outcome::Skipped("no npm".to_owned());
        assert_eq!(context(false).missing("no npm").unwrap(), skipped);
        assert!(context(true).missing("no npm").is_err());
    }

    #[test]
    fn a_skipped_step_says_what_is_missing() {
        let outcome = Outcome::Skipped("npm is not installed".to_owned());
        let line = summary(Step::Node, Ok(&outcome), Duration::from_millis(1500));
        assert_eq!(line, "node       skipped     1.5 s  npm is not installed");
    }

    #[test]
    fn every_step_can_be_named_on_the_command_line() {
        for step in Step::value_variants() {
            assert_eq!(Step::from_str(&name(*step), false).as_ref(), Ok(step));
        }
    }
}
