//! All sections under one header.

use std::fmt::Write as _;

use super::section::{Section, table};
use crate::measure::{Disk, Machine};

const HEADINGS: [&str; 4] = ["figure", "target", "measured", "met"];

const INTRODUCTION: &str = "\
The performance of the one-machine server, compared with a minimal implementation: the floor.
The floor is the smallest program with the same axum, rusqlite and provider client, the same \
frames and coalescing, and the same synced group commit, once before the 202 and once after the \
reply.
It has no authentication, history, queues or turn protocol: the difference is what those cost.
It is optimised for speed, and never slowed down to improve the comparison.
";

const READING: &str = "\
## How to read it

The server or the floor runs alone on core 0; the load generator and the stub provider share \
core 1.
Variants alternate (A, B, A, B, …); each run uses a new process with an empty database, after a \
warm-up.
Each figure is the median of all repetitions, with minimum and maximum in brackets.
Ratios and differences are calculated between adjacent runs; their median is reported.
CPU is the user and system time of the measured process in the window, as reported by the \
kernel.
Every reply, streamed and final, is compared with the provider's text: a lost or garbled one \
fails the benchmark.
A final may be pushed twice (if a `resume` overlaps with its delivery); the client drops the \
second one. It must be identical, and is counted.
Switches are the voluntary plus the involuntary context switches of the process.
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
        let _ = write!(text, "## Targets and results\n\n{}", table(&HEADINGS, &rows));
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
        table(&["setup", ""], &rows.map(|(name, value)| vec![name.to_owned(), value]))
    }
}
