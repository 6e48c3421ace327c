//! Measures the server against the floor (a minimal implementation), and writes the tables.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bench::measure::Machine;
use bench::report::{Report, say};
use bench::scenario::{Bench, Pace, Scenario, place_on};
use bench::{floor, functions};
use clap::{Parser, Subcommand};

const DOCUMENT: &str = "docs/BENCHMARKS.md";
/// Load average above which other programs distort the measurement.
const BUSY: f64 = 0.5;
/// Core of the load generator; core 0 belongs to the measured program.
const OWN_CORE: usize = 1;

/// Compares the one-machine server with a minimal implementation (the floor)
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Flags {
    #[command(subcommand)]
    command: Option<Command>,
    /// Run only this scenario; may be repeated
    #[arg(long, value_name = "NAME", conflicts_with = "write")]
    only: Vec<Scenario>,
    /// Number of repetitions of each scenario
    #[arg(long, value_name = "N", default_value_t = 5)]
    repetitions: usize,
    /// Two short repetitions: a check that the benchmark works, not figures to publish
    #[arg(long, conflicts_with_all = ["write", "repetitions"])]
    quick: bool,
    /// Also measure the first build, which takes minutes
    #[arg(long)]
    first_build: bool,
    /// Write the result to docs/BENCHMARKS.md; needs a clean working tree
    #[arg(long)]
    write: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the floor as a server
    #[command(hide = true)]
    Floor(floor::Options),
    /// Compare the Lambda functions with an empty Rust function and a Python one
    Functions(functions::report::Options),
}

impl Flags {
    fn pace(&self) -> Pace {
        let seconds = Duration::from_secs;
        if self.quick {
            return Pace { repetitions: 2, warm_up: seconds(1), window: seconds(2) };
        }
        Pace { repetitions: self.repetitions.max(1), warm_up: seconds(2), window: seconds(5) }
    }

    fn scenarios(&self) -> Vec<Scenario> {
        let chosen = if self.only.is_empty() { &Scenario::RUNS } else { &*self.only };
        chosen.iter().copied().chain(self.first_build.then_some(Scenario::FirstBuild)).collect()
    }
}

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match flags.command {
        Some(Command::Floor(options)) => runtime.block_on(floor::serve(options)),
        Some(Command::Functions(options)) => {
            runtime.block_on(functions::report::run(&options, say))
        }
        None => {
            place_on(OWN_CORE, std::process::id())?;
            runtime.block_on(until_interrupted(flags))
        }
    }
}

/// Measures until done or interrupted; dropping the measurement ends its processes and removes its
/// data.
async fn until_interrupted(flags: Flags) -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        measured = measure(flags) => measured,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}

async fn measure(flags: Flags) -> anyhow::Result<()> {
    let program = std::env::current_exe()?;
    let programs = program.parent().context("the directory of this program is unknown")?;
    let pace = flags.pace();
    let machine = Machine::this();
    if flags.write {
        machine.require_clean_commit()?;
    }
    if machine.load > BUSY {
        say(&format!(
            "The machine is busy (load average {:.1}): the figures will be unreliable.",
            machine.load
        ));
    }
    let bench = Bench::start(programs, pace).await?;
    let mut sections = Vec::new();
    for scenario in flags.scenarios() {
        say(&format!("{scenario:?}"));
        sections.push(scenario.run(&bench).await.with_context(|| format!("in {scenario:?}"))?);
    }
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments = arguments.join(" ");
    let disk = bench.disk.clone();
    let report = Report { arguments, repetitions: pace.repetitions, machine, disk, sections };
    let text = report.markdown();
    say(&text);
    if flags.write {
        std::fs::write(Path::new(DOCUMENT), text).context("cannot write the document")?;
        say(&format!("written to {DOCUMENT}"));
    }
    Ok(())
}
