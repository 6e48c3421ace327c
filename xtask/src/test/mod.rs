//! All checks of CI, as steps that can also be run alone.

mod contracts;
mod e2e;
mod infra;
mod live_server;
mod node;
mod steps;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Error, Result, bail};
use clap::ValueEnum;

use crate::{cpu_time, print};

pub(crate) use node::install;

/// The steps in the order in which they run: quick ones that fail often come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Formatting, with rustfmt
    Format,
    /// Lints, with warnings as errors
    Clippy,
    /// Tests, with nextest if it is installed
    Tests,
    /// Examples in the documentation
    Doctests,
    /// The documentation, with warnings as errors
    Docs,
    /// The project's own rules
    Tidy,
    /// The contract files
    Contracts,
    /// Tests of pages and packages, on Node
    Node,
    /// Tests of the analytics consumer in Python
    Python,
    /// The AWS deployments: lints, packaging, and whether they describe the same system
    Infra,
    /// The deployed system end to end, on stand-ins for AWS
    E2e,
    /// Licences and sources of dependencies, if cargo-deny is installed
    Deny,
}

/// How a step ended that did not fail.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// With the reason.
    Skipped(String),
}

/// The context of a step.
struct Context<'a> {
    root: &'a Path,
    /// A missing tool is an error, and `Cargo.lock` must be current.
    ci: bool,
}

impl Context<'_> {
    /// Returns a skip, or in CI an error, for a tool that is not installed.
    fn missing(&self, what: &str) -> Result<Outcome> {
        if self.ci {
            bail!("{what}, but CI must run every step");
        }
        Ok(Outcome::Skipped(what.to_owned()))
    }
}

/// Runs one step or all of them, stops at the first failure, and prints a summary.
pub(crate) fn run(root: &Path, only: Option<Step>, ci: bool) -> Result<()> {
    let context = Context { root, ci };
    let steps = only.map_or_else(|| Step::value_variants().to_vec(), |step| vec![step]);
    let mut finished = Vec::new();
    let done = steps.into_iter().try_for_each(|step| one(&context, step, &mut finished));
    print::heading("summary");
    finished.iter().for_each(print::line);
    done?;
    print::line("All steps passed.");
    Ok(())
}

/// Runs one step and adds its line to the summary.
fn one(context: &Context<'_>, step: Step, finished: &mut Vec<String>) -> Result<()> {
    print::heading(name(step));
    let (outcome, usage) = measured(|| steps::run(context, step));
    let line = summary(step, outcome.as_ref(), &usage);
    print::line(&line);
    finished.push(line);
    match outcome {
        Ok(_) => Ok(()),
        Err(error) => bail!("{error:#}\nrepeat with: cargo xtask test --only {}", name(step)),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this measures real commands; there is no runtime with pausable time"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

/// The time that a step took.
struct Usage {
    wall: Duration,
    /// The processor time of its programs; `None` if the system does not tell.
    processor: Option<Duration>,
}

/// Runs a step and measures it. The processor time is that of all programs that ended meanwhile.
fn measured<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    let before = cpu_time::of_children();
    let (value, wall) = timed(work);
    let processor =
        cpu_time::of_children().zip(before).map(|(after, before)| after.saturating_sub(before));
    (value, Usage { wall, processor })
}

fn summary(step: Step, outcome: Result<&Outcome, &Error>, usage: &Usage) -> String {
    let (word, why) = match outcome {
        Ok(Outcome::Done) => ("ok", ""),
        Ok(Outcome::Skipped(why)) => ("skipped", why.as_str()),
        Err(_) => ("FAILED", ""),
    };
    let name = name(step);
    let wall = usage.wall.as_secs_f64();
    let processor = usage.processor.map_or_else(String::new, |time| {
        format!("  {:>6.1} s of processor time", time.as_secs_f64())
    });
    let line = format!("{name:<10} {word:<8} {wall:>6.1} s{processor}  {why}");
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
        let wall = Duration::from_millis(1500);
        let line = summary(Step::Node, Ok(&outcome), &Usage { wall, processor: None });
        assert_eq!(line, "node       skipped     1.5 s  npm is not installed");
        let processor = Some(Duration::from_secs(3));
        let line = summary(Step::Node, Ok(&Outcome::Done), &Usage { wall, processor });
        assert_eq!(line, "node       ok          1.5 s     3.0 s of processor time");
    }

    #[test]
    fn every_step_can_be_named_on_the_command_line() {
        for step in Step::value_variants() {
            assert_eq!(Step::from_str(&name(*step), false).as_ref(), Ok(step));
        }
    }
}
