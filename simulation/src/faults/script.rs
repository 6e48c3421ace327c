//! Mishaps at chosen times, for pinned scenarios.

use std::ops::RangeInclusive;
use std::sync::Mutex;

use super::{Mishap, lock};

/// The mishaps that a scenario asks for.
#[derive(Debug, Default)]
pub(super) struct Script {
    mishaps: Mutex<Vec<Chance>>,
    forks: Mutex<u64>,
}

/// Some of the times at which a mishap could happen, and does.
#[derive(Debug)]
struct Chance {
    mishap: Mishap,
    times: RangeInclusive<usize>,
    seen: usize,
}

impl Script {
    pub(super) fn bring(&self, mishap: Mishap, times: RangeInclusive<usize>) {
        lock(&self.mishaps).push(Chance { mishap, times, seen: 0 });
    }

    pub(super) fn toss(&self, mishap: Mishap) -> bool {
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
