//! What was exercised, in numbers.

use std::fmt::Write as _;
use std::time::Duration;

use crate::faults::{Counts, ExternalFault, Fault};
use crate::run::Report;
use crate::users::IN_CALM;

/// What must have happened beside the faults, or the runs prove nothing about it.
const EXERCISED: [&str; 14] = [
    "connections opened",
    "dead letters",
    "deletions",
    "fallbacks",
    "histories read",
    "judged for promptness",
    "processes died at work",
    "ratings",
    "reconnections",
    "redeliveries",
    "restarts",
    "stops",
    "strangers",
    "submits",
];

/// The sums of many runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many runs.
    pub runs: u64,
    /// How many turns got their final.
    pub turns: u64,
    /// How many of them were hit by a fault.
    pub faulted_turns: u64,
    /// How much virtual time went by.
    pub time: Duration,
    /// What went wrong, and what else happened.
    pub counts: Counts,
}

impl Summary {
    /// Adds a run.
    pub fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.turns += report.turns;
        self.faulted_turns += report.faulted_turns;
        self.time += report.time;
        self.counts.add(&report.counts);
    }

    /// Counts the faults of every kind.
    pub fn faults(&self) -> u64 {
        self.counts.faults.values().sum()
    }

    /// Counts the turns that were not asked for in the calm at the end of each run.
    pub fn turns_under_faults(&self) -> u64 {
        self.turns - self.counts.events.get(IN_CALM).copied().unwrap_or(0).min(self.turns)
    }

    /// Lists what should have happened and never did.
    pub fn missing(&self) -> Vec<&'static str> {
        let faults = Fault::NAMES.into_iter().chain(ExternalFault::ALL.map(ExternalFault::name));
        let missing = faults.filter(|name| !self.counts.faults.contains_key(name));
        missing
            .chain(EXERCISED.into_iter().filter(|name| !self.counts.events.contains_key(name)))
            .collect()
    }

    /// Writes the numbers as a table.
    pub fn table(&self) -> String {
        let mut table = String::new();
        let hours = self.time.as_secs() / 3600;
        let share = 100 * self.faulted_turns / self.turns_under_faults().max(1);
        let _ = writeln!(table, "{:>12}  runs, {hours} hours of virtual time", self.runs);
        let _ = writeln!(
            table,
            "{:>12}  turns, {share} % hit by a fault, not counting those in the final calm",
            self.turns
        );
        let _ =
            writeln!(table, "{:>12}  faults of {} kinds:", self.faults(), self.counts.faults.len());
        for (name, count) in self.counts.faults.iter().chain(&self.counts.events) {
            let _ = writeln!(table, "{count:>12}    {name}");
        }
        table
    }
}
