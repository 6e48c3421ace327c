//! What a run exercised, in numbers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What must have happened, or a long run proves nothing about it.
const EXERCISED: [&str; 43] = [
    "answers lost",
    "calls given up",
    "connections",
    "connections cut",
    "deletions",
    "empty replies",
    "fallbacks",
    "finals fetched",
    "finals pushed",
    "finals: cancelled",
    "finals: errors",
    "finals: replies",
    "histories read",
    "kills",
    "kills at a start",
    "kills at a stop",
    "posts of one message at once",
    "posts repeated",
    "provider busy",
    "provider died mid-stream",
    "provider failed mid-stream",
    "provider hung up",
    "provider overloaded",
    "provider sent garbage",
    "provider silent",
    "provider silent mid-stream",
    "provider stopped without an end mark",
    "quick replies",
    "ratings",
    "reconnections",
    "refusals",
    "replies byte by byte",
    "replies too large for a frame",
    "resumes",
    "sessions",
    "slow replies",
    "stops",
    "stops of the server",
    "strangers",
    "tabs closed",
    "tabs open to the end",
    "tabs that did not read",
    "texts of later generations",
];

/// What was found, when nothing is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary(BTreeMap<&'static str, u64>);

impl Summary {
    pub(super) fn new(counts: BTreeMap<&'static str, u64>) -> Self {
        Self(counts)
    }

    /// Returns how often something happened.
    pub fn count(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Returns how many messages got their final, in sessions that were kept.
    pub fn finals(&self) -> u64 {
        ["finals: replies", "finals: cancelled", "finals: errors"]
            .map(|name| self.count(name))
            .iter()
            .sum()
    }

    /// Lists what should have happened and never did.
    pub fn missing(&self) -> Vec<&'static str> {
        EXERCISED.into_iter().filter(|name| self.count(name) == 0).collect()
    }

    /// Writes the numbers as a table.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for (name, count) in &self.0 {
            let _ = writeln!(table, "{count:>12}  {name}");
        }
        table
    }
}
