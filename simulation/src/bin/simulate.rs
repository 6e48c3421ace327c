//! Runs seeds of the simulation; `cargo xtask simulate` builds it and calls it.

use std::num::NonZero;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use simulation::campaign::{Campaign, Outcome, Summary};
use simulation::mutants::Mutant;
use simulation::run::{self, Options, Report};
use simulation::trace::render;

/// Run the whole pipeline under random faults, one run per seed, and check that no message is lost
/// or answered twice
#[derive(Debug, Parser)]
#[command(name = "cargo xtask simulate")]
struct Flags {
    /// Number of seeds
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Run as many seeds as it takes to reach this number of turns
    #[arg(long, conflicts_with = "seeds")]
    turns: Option<u64>,
    /// Number of seeds to run at the same time [default: number of cores]
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// Look for each broken variant of the protocol among the seeds, and print the first seed that
    /// finds it
    #[arg(long, conflicts_with_all = ["turns", "replay", "tabs"])]
    mutants: bool,
    /// Run only this seed, and print its whole trace
    #[arg(long, conflicts_with_all = ["seeds", "first", "turns", "jobs"])]
    replay: Option<u64>,
    /// Run only this seed, and print what every tab received and showed, as lines of JSON
    #[arg(long, conflicts_with_all = ["seeds", "first", "turns", "jobs", "replay"])]
    tabs: Option<u64>,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let clean = match (flags.replay, flags.tabs) {
        (Some(seed), _) => replay(seed),
        (None, Some(seed)) => tabs(seed),
        (None, None) if flags.mutants => mutants(&flags),
        (None, None) => campaign(&flags),
    };
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(seed: u64) -> bool {
    let report = run::seed(seed, Options { record: true, ..Options::default() });
    say(&render(&report.lines));
    let seconds = report.time.as_secs();
    say(&format!(
        "seed {seed}: {} turns in {seconds} s of virtual time, trace {:016x}",
        report.turns, report.hash
    ));
    list(&report);
    report.is_clean()
}

fn tabs(seed: u64) -> bool {
    let report = run::seed(seed, Options { record: true, ..Options::default() });
    for record in &report.records {
        say(&serde_json::to_string(record).unwrap_or_default());
    }
    report.is_clean()
}

fn campaign(flags: &Flags) -> bool {
    let jobs = jobs(flags);
    let seeds = if flags.turns.is_some() { u64::MAX } else { flags.seeds };
    let bar = ProgressBar::new(flags.turns.unwrap_or(seeds)).with_style(style());
    let counted =
        |summary: &Summary| if flags.turns.is_some() { summary.turns } else { summary.runs };
    let campaign = Campaign { first: flags.first, seeds, turns: flags.turns, jobs, mutant: None };
    let Outcome { summary, failed } = campaign.run(|summary| {
        bar.set_position(counted(summary));
        bar.set_message(format!("{} turns, {} faults", summary.turns, summary.faults()));
    });
    bar.finish_and_clear();
    let elapsed = bar.elapsed().as_secs_f64();
    say(&summary.table());
    #[expect(clippy::cast_precision_loss, reason = "a rate is read to three digits")]
    let rate = summary.turns as f64 / elapsed / jobs as f64;
    say(&format!("{elapsed:.0} s on {jobs} threads: {rate:.0} turns per second per thread"));
    if let Some(first) = failed.first() {
        tell(first);
    }
    let missing = summary.missing();
    if failed.is_empty() && !missing.is_empty() {
        say(&format!("not exercised: {}; run more seeds", missing.join(", ")));
    }
    failed.is_empty() && missing.is_empty()
}

/// Looks for every mutant; tells whether each was found.
fn mutants(flags: &Flags) -> bool {
    let jobs = jobs(flags);
    let mut all = true;
    for mutant in Mutant::ALL {
        let mutant = Some(mutant);
        let campaign =
            Campaign { first: flags.first, seeds: flags.seeds, turns: None, jobs, mutant };
        let found = campaign.run(|_| ()).failed.into_iter().next();
        let violation = found.as_ref().and_then(|report| report.violations.first());
        let name = mutant.map(|mutant| format!("{mutant:?}")).unwrap_or_default();
        if let Some((report, first)) = found.as_ref().zip(violation) {
            let seed = report.seed;
            say(&format!("{name:<24} seed {seed:<5} {}: {}", first.invariant, first.what));
        } else {
            all = false;
            say(&format!("{name:<24} not found by {} seeds", flags.seeds));
        }
    }
    all
}

fn jobs(flags: &Flags) -> usize {
    flags.jobs.or_else(|| available_parallelism().ok()).map_or(1, NonZero::get)
}

/// Runs a failed seed again, and prints the part of its trace that matters.
fn tell(failed: &Report) {
    let report = run::seed(failed.seed, Options { record: true, ..Options::default() });
    say(&render(&report.story()));
    list(&report);
    say(&format!("for the whole trace: cargo xtask simulate --replay {}", failed.seed));
}

fn list(report: &Report) {
    for violation in &report.violations {
        say(&format!(
            "seed {}, invariant {}: {}",
            report.seed, violation.invariant, violation.what
        ));
    }
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len}  {msg}  {eta} left");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[expect(clippy::print_stdout, reason = "this is a command line's output")]
fn say(text: &str) {
    println!("{}", text.trim_end());
}
