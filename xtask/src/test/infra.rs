//! The AWS deployments: linted, packaged, and compared with each other.
//!
//! Independent programs run in parallel lanes. The output of each is printed when it has ended.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail};

use super::{Context, Outcome, timed};
use crate::print;
use crate::process::is_present;
use crate::tools::{PythonEnvironment, has_python};

const CHECKS: &str = "infra/checks";
/// The template as SAM expands it.
const EXPANDED: &str = "target/expanded/template.json";

/// A program with its name in the output.
struct Job {
    name: &'static str,
    command: Command,
}

/// Lints, packages and compares the deployments.
pub(super) fn run(context: &Context<'_>) -> Result<Outcome> {
    if let Some(tool) = missing(context.root)? {
        return context.missing(&format!("{tool} is not installed"));
    }
    let environment = PythonEnvironment::of_infra(context.root)?;
    super::install(&context.root.join("infra/serverless"))?;
    let pytest = |name, folder| vec![pytest(context.root, &environment, name, folder)];
    let lanes = [
        lints(context.root, &environment),
        pytest("comparison of the deployments", "tests"),
        pytest("terraform apply on moto", "apply"),
    ];
    let failed = side_by_side(lanes);
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(Outcome::Done)
}

/// Returns the first of the tools that is not installed.
fn missing(root: &Path) -> Result<Option<&'static str>> {
    if !has_python(root)? {
        return Ok(Some("python3 with venv"));
    }
    for (tool, version) in [("terraform", "-version"), ("node", "--version"), ("npm", "--version")]
    {
        if !is_present(root, tool, &[version])? {
            return Ok(Some(tool));
        }
    }
    Ok(None)
}

/// The programs that lint the template and build its functions.
fn lints(root: &Path, environment: &PythonEnvironment) -> Vec<Job> {
    let job = |name, program, arguments: &[&str]| {
        let mut command = environment.command(root, program);
        command.args(arguments);
        command.env("SAM_CLI_TELEMETRY", "0").env("AWS_DEFAULT_REGION", "us-east-1");
        Job { name, command }
    };
    let mut build = job(
        "sam build",
        "sam",
        &["build", "--build-dir", "target/sam", "--parameter-overrides", ARCHITECTURE],
    );
    build.command.envs(QUICK_BUILD);
    vec![
        job("sam validate --lint", "sam", &["validate", "--lint"]),
        expansion(root, environment),
        job("cfn-lint", "cfn-lint", &["template.yaml", EXPANDED]),
        job(
            "checkov",
            "checkov",
            &["--config-file", ".checkov.yaml", "--file", "template.yaml", EXPANDED],
        ),
        build,
    ]
}

/// Writes the expanded template, for linters that read both.
fn expansion(root: &Path, environment: &PythonEnvironment) -> Job {
    let mut command = environment.command(&root.join(CHECKS), "python");
    command.args(["-m", "descriptions"]).args([root.join("template.yaml"), root.join(EXPANDED)]);
    Job { name: "expansion of the template", command }
}

/// This only checks that the functions build. A release is optimised, which takes many minutes of
/// processor time.
const QUICK_BUILD: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
];

/// Builds for this machine's processor, whose Rust target is always installed.
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: &str = "Architecture=arm64";
#[cfg(not(target_arch = "aarch64"))]
const ARCHITECTURE: &str = "Architecture=x86_64";

/// The Python tests of one directory.
fn pytest(root: &Path, environment: &PythonEnvironment, name: &'static str, folder: &str) -> Job {
    let mut command = environment.command(&root.join(CHECKS), "pytest");
    command.args(["-q", "-ra", "-p", "no:cacheprovider", "--durations=3", folder]);
    Job { name, command }
}

/// Runs the lanes in parallel, and the jobs of a lane in order; returns the names of failed jobs.
///
/// A lane goes on after a failure, because its later jobs do not depend on the earlier ones.
fn side_by_side<const N: usize>(lanes: [Vec<Job>; N]) -> Vec<&'static str> {
    let jobs =
        |lane: Vec<Job>| lane.into_iter().filter_map(|job| one(job).err()).collect::<Vec<_>>();
    thread::scope(|scope| {
        let running = lanes.map(|lane| scope.spawn(move || jobs(lane)));
        let ended = running.map(|lane| lane.join().unwrap_or_else(|_| vec!["a lane"]));
        ended.into_iter().flatten().collect()
    })
}

/// Runs a job and prints its output; fails with its name.
fn one(mut job: Job) -> Result<(), &'static str> {
    let (outcome, time) = timed(|| ended(&mut job.command));
    let seconds = time.as_secs_f64();
    match outcome {
        Ok(said) => print::line(format!("{said}ok      {} {seconds:.1} s", job.name)),
        Err(error) => {
            print::line(format!("{error:#}\nFAILED  {} {seconds:.1} s", job.name));
            return Err(job.name);
        }
    }
    Ok(())
}

/// Returns the output of a program; it is also the error if the program failed.
fn ended(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().context("cannot start the program")?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.success() {
        Ok(said)
    } else {
        Err(anyhow!("{said}it ended with {}", output.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::command;
    use crate::source_tree::root;

    fn job(name: &'static str, script: &str) -> Job {
        let mut shell = command(&root(), "sh");
        shell.args(["-c", script]);
        Job { name, command: shell }
    }

    #[test]
    fn a_lane_goes_on_after_a_failure_and_every_failure_is_named() {
        let lanes = [
            vec![job("a", "exit 1"), job("b", "exit 0"), job("c", "exit 3")],
            vec![job("d", "exit 2")],
        ];
        assert_eq!(side_by_side(lanes), ["a", "c", "d"]);
    }

    #[test]
    fn a_program_that_fails_has_said_why() {
        let error =
            ended(&mut job("a", "echo out; echo why >&2; exit 7").command).unwrap_err().to_string();
        assert!(error.starts_with("out\nwhy\n") && error.contains('7'), "{error}");
    }
}
