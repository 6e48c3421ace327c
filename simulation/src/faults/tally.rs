//! What went wrong, counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use tokio::time::Instant;

use super::{ExternalFault, Fault, Subject, lock};

/// Counts of a run.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<Counts>,
    disturbed: Mutex<Option<Instant>>,
}

/// What was counted; sums of several runs are made with [`Counts::add`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often each kind of fault occurred.
    pub faults: BTreeMap<&'static str, u64>,
    /// How often each thing that is not a fault happened: stops, restarts, redeliveries.
    pub events: BTreeMap<&'static str, u64>,
    /// Whose work was hit.
    pub hit: BTreeSet<Subject>,
}

impl Counts {
    /// Adds another run's counts, all but whose work was hit.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.faults {
            *self.faults.entry(name).or_default() += count;
        }
        for (name, count) in &other.events {
            *self.events.entry(name).or_default() += count;
        }
    }
}

impl Tally {
    /// Counts something that is not a fault; returns how often it happened.
    pub fn event(&self, name: &'static str) -> u64 {
        let mut counts = lock(&self.counts);
        let count = counts.events.entry(name).or_default();
        *count += 1;
        *count
    }

    /// Returns the counts so far.
    pub fn counts(&self) -> Counts {
        lock(&self.counts).clone()
    }

    /// Notes that something other than a fault delays what follows, such as a tab that sleeps.
    pub fn disturb(&self) {
        *lock(&self.disturbed) = Some(Instant::now());
    }

    /// Returns when a fault or a disturbance occurred last.
    pub fn last_disturbance(&self) -> Option<Instant> {
        *lock(&self.disturbed)
    }

    pub(super) fn fault(&self, fault: &Fault, subject: &Subject) {
        self.note(fault.name(), subject);
    }

    pub(super) fn mishap(&self, mishap: ExternalFault, subject: &Subject) {
        self.note(mishap.name(), subject);
    }

    fn note(&self, name: &'static str, subject: &Subject) {
        self.disturb();
        let mut counts = lock(&self.counts);
        *counts.faults.entry(name).or_default() += 1;
        if *subject != Subject::Nobody && !counts.hit.contains(subject) {
            counts.hit.insert(subject.clone());
        }
    }
}
