//! External faults at chosen times, for fixed scenarios.

use std::ops::RangeInclusive;
use std::sync::Mutex;

use super::{ExternalFault, lock};

/// The external faults that a scenario asks for.
#[derive(Debug, Default)]
pub(super) struct Script {
    mishaps: Mutex<Vec<Chance>>,
    forks: Mutex<u64>,
}

/// The occasions, counted from 1, on which an external fault occurs.
#[derive(Debug)]
struct Chance {
    mishap: ExternalFault,
    times: RangeInclusive<usize>,
    seen: usize,
}

impl Script {
    pub(super) fn schedule_fault(&self, mishap: ExternalFault, times: RangeInclusive<usize>) {
        lock(&self.mishaps).push(Chance { mishap, times, seen: 0 });
    }

    pub(super) fn occurs(&self, mishap: ExternalFault) -> bool {
        let mut happens = false;
        for chance in lock(&self.mishaps).iter_mut().filter(|chance| chance.mishap == mishap) {
            chance.seen += 1;
            happens |= chance.times.contains(&chance.seen);
        }
        happens
    }

    pub(super) fn clear(&self) {
        lock(&self.mishaps).clear();
    }

    pub(super) fn fork(&self) -> u64 {
        let mut forks = lock(&self.forks);
        *forks += 1;
        *forks
    }
}
