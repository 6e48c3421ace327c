//! Reads events from the named files, or from standard input, and writes their figures.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write as _};
use std::process::ExitCode;

use analytics_consumer::fold::Fold;
use analytics_consumer::line;
use anyhow::{Context as _, Result};

/// Exits with 0; with 1 where a line was refused; with 2, and without figures, where a file cannot
/// be read.
fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        // Where standard error is closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "{error:#}");
        ExitCode::from(2)
    })
}

fn run() -> Result<ExitCode> {
    let files: Vec<_> = std::env::args().skip(1).collect();
    let mut fold = Fold::default();
    let mut refused = false;
    for name in &files {
        let file = File::open(name).with_context(|| name.clone())?;
        refused |= read(name, BufReader::new(file), &mut fold)?;
    }
    if files.is_empty() {
        refused = read("stdin", io::stdin().lock(), &mut fold)?;
    }
    write(fold)?;
    Ok(ExitCode::from(u8::from(refused)))
}

/// Adds the events of a file to the fold, and tells whether it has lines that are refused.
fn read(name: &str, file: impl BufRead, fold: &mut Fold) -> Result<bool> {
    let mut refused = false;
    for (number, line) in (1..).zip(file.split(b'\n')) {
        let line = line.with_context(|| name.to_owned())?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match line::read(&line) {
            Ok(event) => event.into_iter().for_each(|event| fold.add(event)),
            Err(refusal) => {
                writeln!(io::stderr(), "{name}:{number}: {refusal}")?;
                refused = true;
            }
        }
    }
    Ok(refused)
}

fn write(fold: Fold) -> Result<()> {
    let mut out = io::stdout().lock();
    for row in fold.rows() {
        serde_json::to_writer(&mut out, &row)?;
        writeln!(out)?;
    }
    Ok(())
}
