//! All sections under one header.

use std::fmt::Write as _;

use super::section::{Section, table};
use crate::measure::{Disk, Machine};

const HEADINGS: [&str; 4] = ["figure", "target", "measured", "met"];

const INTRODUCTION: &str = "\
What the one-machine server does, measured against a floor.
The floor is the least program with the same axum, rusqlite and provider client, the same frames \
and coalescing, and the same synced group commit, once before the 202 and once after the reply.
It has no identity, no history, no queues and no turn protocol: what the server costs beyond it \
is the price of those.
It is built to be as fast as it can be, and is never made slower.
";

const READING: &str = "\
## How to read it

Server or floor run alone on core 0; the load generator and the stub provider share core 1.
Variants take turns (A, B, A, B, …), each run on a new process with an empty database, after a \
warm-up.
A figure is the median of all repetitions, with the smallest and the largest in brackets.
Ratios and differences are taken between the runs that stood next to each other, and the median \
of those counts.
CPU is the measured process's own user and system time in the window, from the kernel's accounts.
Every reply is checked against the provider's text, streamed and final: one that is lost or \
garbled fails the bench.
A final may be pushed again (a `resume` that overlaps with its delivery does it) and is dropped \
by its client: it must be the same, and is counted.
Switches are the times that a thread of the process waited, plus the times that it was made to \
give way.
";

/// The results of one run of the benchmark.
#[derive(Debug)]
pub struct Report {
    /// The arguments of `cargo xtask bench`.
    pub arguments: String,
    /// Number of repetitions.
    pub repetitions: usize,
    /// Where it ran.
    pub machine: Machine,
    /// The disk that the data was on.
    pub disk: Disk,
    /// The scenarios, in the order in which they ran.
    pub sections: Vec<Section>,
}

impl Report {
    /// Returns the document.
    pub fn markdown(&self) -> String {
        let mut text = format!("# Benchmarks\n\n{INTRODUCTION}\n{}\n{READING}\n", self.header());
        let rows: Vec<_> =
            self.sections.iter().flat_map(|section| &section.rows).map(super::Row::cells).collect();
        let _ = write!(text, "## What it must reach\n\n{}", table(&HEADINGS, &rows));
        for Section { title, note, table, .. } in &self.sections {
            let _ = write!(text, "\n## {title}\n\n{note}\n");
            if let Some(table) = table {
                let _ = write!(text, "\n{table}");
            }
        }
        text
    }

    fn header(&self) -> String {
        let Self { arguments, repetitions, machine, disk, .. } = self;
        let micros = |time: std::time::Duration| time.as_micros();
        let rows = [
            ("command", format!("`{}`", format!("cargo xtask bench {arguments}").trim_end())),
            ("date, commit", format!("{}, {}", machine.date, machine.commit)),
            ("processor", machine.processor.clone()),
            ("kernel", machine.kernel.clone()),
            ("load before", format!("{:.1}", machine.load)),
            ("file system", disk.file_system.clone()),
            (
                "write and sync of one page",
                format!("{} µs median, {} µs p99", micros(disk.sync_median), micros(disk.sync_p99)),
            ),
            ("repetitions", repetitions.to_string()),
        ];
        table(&["made by", ""], &rows.map(|(name, value)| vec![name.to_owned(), value]))
    }
}
