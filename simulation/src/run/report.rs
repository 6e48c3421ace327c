//! What came of a run.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::ports::Clock as _;

use crate::checks::Violation;
use crate::cloud::{Cloud, START};
use crate::faults::{Counts, Subject};
use crate::trace::Line;
use client::recording::Record;

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What must never happen, and did.
    pub violations: Vec<Violation>,
    /// The hash of its trace.
    pub hash: u64,
    /// How many turns got their final.
    pub turns: u64,
    /// How many of them were hit by a fault.
    pub faulted_turns: u64,
    /// How many tabs were open at the end.
    pub tabs: usize,
    /// How much virtual time went by.
    pub time: Duration,
    /// What went wrong and what else happened, counted.
    pub counts: Counts,
    /// The trace, if it was recorded.
    pub lines: Vec<Line>,
    /// What the tabs received and did, if it was recorded.
    pub records: Vec<Record>,
}

impl Report {
    pub(super) fn of(seed: u64, cloud: &Cloud, tabs: usize) -> Self {
        let counts = cloud.faults.tally().counts();
        Self {
            seed,
            violations: cloud.checker.violations(),
            hash: cloud.trace.hash(),
            turns: cloud.checker.turns(),
            faulted_turns: faulted_turns(cloud, &counts.hit),
            tabs,
            time: cloud.clock.now().since(START),
            counts,
            lines: cloud.trace.lines(),
            records: cloud.trace.tabs(),
        }
    }

    pub(super) fn not_run(seed: u64, why: &str) -> Self {
        let violation = Violation {
            invariant: "10",
            subject: Subject::Nobody,
            what: format!("the run did not begin: {why}"),
        };
        Self {
            seed,
            violations: vec![violation],
            hash: 0,
            turns: 0,
            faulted_turns: 0,
            tabs: 0,
            time: Duration::ZERO,
            counts: Counts::default(),
            lines: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Tells whether everything held.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Returns the lines that belong to the first violation's session, without the calls that went
    /// well.
    pub fn story(&self) -> Vec<Line> {
        let session =
            self.violations.first().and_then(|violation| violation.subject.session().cloned());
        let told = |line: &&Line| {
            line.notable
                && (session.is_none()
                    || line.subject.session().is_none_or(|of| Some(of) == session.as_ref()))
        };
        self.lines.iter().filter(told).cloned().collect()
    }
}

fn faulted_turns(cloud: &Cloud, hit: &BTreeSet<Subject>) -> u64 {
    let turns = cloud.checker.messages_of_turns();
    let is_hit = |(key, number, message): &&(_, u64, _)| {
        let (key, message): (&shared::domain::SessionKey, &shared::domain::MessageId) =
            (key, message);
        let turn = shared::domain::TurnNumber::parse(*number).ok();
        hit.contains(&Subject::Message(key.clone(), message.clone()))
            || turn.is_some_and(|turn| hit.contains(&Subject::Turn(key.clone(), turn)))
    };
    u64::try_from(turns.iter().filter(is_hit).count()).unwrap_or(u64::MAX)
}
