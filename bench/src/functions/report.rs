//! The document about the functions.

mod chats;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use self::chats::Chats;
use super::cold_start::{self, Starts};
use super::load::Places;
use super::settings;
use crate::measure::{Machine, Spread};
use crate::report::{Row, Target, table};
use testkit::lambda::FunctionProgram;

const DOCUMENT: &str = "docs/BENCHMARKS-FUNCTIONS.md";
const HEADINGS: [&str; 4] = ["figure", "target", "measured", "met"];
const INTRODUCTION: &str = "\
Resource use of the three Lambda functions, measured on one x86-64 machine; they are deployed \
on arm64.
They are compared with a bare function on the same `lambda_runtime`, built with the same \
profile, and with the chatbot as one Python function with the official clients (`bench/peer`), \
run by a minimal loop over the Runtime API.
";
const COLD_START: &str = "\
The time from process start to the first request for an event, with all clients created. \
Lambda's own share (sandbox, code download) is not included.
Programs alternate; the binaries are in the page cache.
Memory is the resident memory at that moment.
";

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder that contains the functions' binaries
    #[arg(long)]
    programs: PathBuf,
    /// Python interpreter with the packages of the Python function; without it, that function is
    /// not measured
    #[arg(long)]
    python: Option<PathBuf>,
    /// Path of `moto_server`; without it, no chats are measured
    #[arg(long)]
    moto: Option<PathBuf>,
    /// Number of chats whose CPU time is measured
    #[arg(long, default_value_t = 60)]
    chats: usize,
    /// Number of messages after which memory is read; it is also read after a tenth of them
    #[arg(long, default_value_t = 1_000)]
    messages: usize,
    /// Number of cold starts of each program
    #[arg(long, default_value_t = 25)]
    starts: usize,
    /// Write the result to docs/BENCHMARKS-FUNCTIONS.md; needs a clean working tree
    #[arg(long)]
    write: bool,
}

/// Measures the functions, and prints or writes the document.
pub async fn run(options: &Options, say: impl Fn(&str)) -> anyhow::Result<()> {
    let machine = Machine::this();
    if options.write {
        machine.require_clean_commit()?;
    }
    let programs = settings::programs(&options.programs, options.python.as_deref());
    let starts = cold_start::measure(&programs, options.starts).await?;
    let chats = match &options.moto {
        Some(moto) => {
            let places = Places { programs: &options.programs, moto };
            Some(Chats::measure(places, options.chats, options.messages, &programs).await?)
        }
        None => None,
    };
    let text = document(&machine, options, &programs, &starts, chats.as_ref())?;
    say(&text);
    if options.write {
        std::fs::write(Path::new(DOCUMENT), text).context("the document cannot be written")?;
        say(&format!("written to {DOCUMENT}"));
    }
    Ok(())
}

fn document(
    machine: &Machine,
    options: &Options,
    programs: &[FunctionProgram],
    starts: &[Starts],
    chats: Option<&Chats>,
) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    let (functions, others): (Vec<_>, Vec<_>) =
        starts.iter().partition(|start| settings::is_function(start.name));
    let other = |name: &str| others.iter().find(|start| start.name == name);
    for function in &functions {
        if let Some(floor) = other(settings::FLOOR) {
            let measured = Spread::of_ratios(&function.millis, &floor.millis);
            rows.push(row(
                "cold start against the bare function",
                function.name,
                Target::AtMost(5.0),
                measured,
                "×",
                2,
            ));
        }
        if let Some(peer) = other(settings::PEER) {
            let measured = Spread::of_ratios(&function.millis, &peer.millis);
            rows.push(row(
                "cold start against Python",
                function.name,
                Target::AtMost(0.01),
                measured,
                "×",
                4,
            ));
        }
    }
    for program in programs.iter().filter(|program| settings::is_function(program.name)) {
        let size = Spread::of([settings::zipped(&program.path)? / 1e6]);
        rows.push(row("zip", program.name, Target::AtMost(4.0), size, "MB", 2));
    }
    if let Some(chats) = chats {
        rows.extend(chats.rows());
    }
    let lines: Vec<_> = starts.iter().map(line).collect();
    let own = table(&["program", "milliseconds to the first request", "resident MB"], &lines);
    let made = format!(
        "Made by `cargo xtask bench functions` on {}, commit {}, {}, {}, load before {:.1}, {} \
        starts of each.\n",
        machine.date,
        machine.commit,
        machine.processor,
        machine.kernel,
        machine.load,
        options.starts
    );
    let targets = table(&HEADINGS, &rows);
    Ok(format!(
        "# Benchmarks of the functions\n\n{INTRODUCTION}\n{made}\n## Targets and \
        results\n\n{targets}\n\
         ## Cold start\n\n{COLD_START}\n{own}{}",
        chats.map(Chats::section).unwrap_or_default()
    ))
}

fn row(
    figure: &str,
    name: &str,
    target: Target,
    measured: Spread,
    unit: &'static str,
    digits: usize,
) -> Vec<String> {
    let mut cells = Row { figure: "", target, measured, unit, digits }.cells();
    if let Some(first) = cells.first_mut() {
        *first = format!("{name}: {figure}");
    }
    cells
}

fn line(starts: &Starts) -> Vec<String> {
    vec![starts.name.to_owned(), format!("{:.1}", starts.time()), format!("{:.1}", starts.memory())]
}
