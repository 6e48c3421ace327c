//! Many runs at once: seeds in order, shared out among threads, and what they came to.

mod summary;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

pub use summary::Summary;

use crate::mutants::Mutant;
use crate::run::{self, Options, Report};

/// Which seeds are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Campaign {
    /// The first seed.
    pub first: u64,
    /// How many seeds at most.
    pub seeds: u64,
    /// After how many turns it is enough, whatever the number of seeds.
    pub turns: Option<u64>,
    /// How many threads.
    pub jobs: usize,
    /// Which part of the protocol is broken on purpose.
    pub mutant: Option<Mutant>,
}

/// What a campaign came to.
#[derive(Debug)]
pub struct Outcome {
    /// Everything that was counted.
    pub summary: Summary,
    /// The runs in which something was violated, lowest seed first.
    pub failed: Vec<Report>,
}

impl Campaign {
    /// Runs the seeds; `progress` is called after each run. Ends early when a run fails.
    pub fn run(self, mut progress: impl FnMut(&Summary)) -> Outcome {
        let next = AtomicU64::new(self.first);
        let enough = AtomicBool::new(false);
        let (send, reports) = channel();
        thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                let next = &next;
                let enough = &enough;
                let send = send.clone();
                scope.spawn(move || {
                    while !enough.load(Ordering::Relaxed) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number - self.first >= self.seeds {
                            return;
                        }
                        let report =
                            run::seed(number, Options { mutant: self.mutant, record: false });
                        if send.send(report).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(send);
            self.collect(&reports, &enough, &mut progress)
        })
    }

    fn collect(
        self,
        reports: &Receiver<Report>,
        enough: &AtomicBool,
        progress: &mut impl FnMut(&Summary),
    ) -> Outcome {
        let mut outcome = Outcome { summary: Summary::default(), failed: Vec::new() };
        while let Ok(report) = reports.recv() {
            outcome.summary.add(&report);
            progress(&outcome.summary);
            let done = self.turns.is_some_and(|turns| outcome.summary.turns >= turns);
            if !report.is_clean() {
                outcome.failed.push(report);
            }
            if done || !outcome.failed.is_empty() {
                enough.store(true, Ordering::Relaxed);
            }
        }
        outcome.failed.sort_by_key(|report| report.seed);
        outcome
    }
}
