//! How long things took: what batches, replays and evaluations sum up.

use std::collections::BTreeMap;

use serde::Serialize;

/// Times by how often they were seen: percentiles without keeping every one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times {
    counts: BTreeMap<u64, u64>,
    total: u64,
}

impl Times {
    /// Adds one.
    pub(crate) fn add(&mut self, ms: u64) {
        // Three digits are enough for people, and keep the list short however many there are.
        let step = match ms {
            0..1_000 => 1,
            1_000..10_000 => 10,
            10_000..100_000 => 100,
            _ => 1_000,
        };
        *self.counts.entry(ms / step * step).or_default() += 1;
        self.total += 1;
    }

    /// Returns the time below which so many percent are; none where there are no times.
    pub(crate) fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (ms, count) in &self.counts {
            seen += count;
            if seen >= rank {
                return Some(*ms);
            }
        }
        None
    }

    /// Returns the usual four.
    pub(crate) fn summary(&self) -> Option<Percentiles> {
        Some(Percentiles {
            p50: self.percentile(50)?,
            p90: self.percentile(90)?,
            p99: self.percentile(99)?,
            max: self.percentile(100)?,
        })
    }
}

/// The usual four, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let mut times = Times::default();
        assert_eq!(times.summary(), None);
        (1..=100).for_each(|ms| times.add(ms));
        assert_eq!(times.summary(), Some(Percentiles { p50: 50, p90: 90, p99: 99, max: 100 }));
        times.add(123_456);
        assert_eq!(times.percentile(100), Some(123_000));
    }
}
