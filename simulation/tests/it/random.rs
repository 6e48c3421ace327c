//! Random runs: whatever goes wrong, nothing is lost, doubled, reordered or shown to somebody else.

use std::num::NonZero;
use std::thread::available_parallelism;

use simulation::campaign::Campaign;
use simulation::run::{self, Options};

/// How many seeds every run of the tests goes through.
const SEEDS: u64 = 2_000;

#[test]
fn two_thousand_seeds_violate_nothing_and_exercise_everything() {
    let jobs = available_parallelism().map_or(1, NonZero::get);
    let outcome = Campaign { first: 1, seeds: SEEDS, turns: None, jobs, mutant: None }.run(|_| ());
    if let Some(failed) = outcome.failed.first() {
        panic!(
            "{:#?}\nreplay it: cargo xtask simulate --replay {}",
            failed.violations, failed.seed
        );
    }
    let summary = outcome.summary;
    assert_eq!(summary.runs, SEEDS);
    assert_eq!(summary.missing(), Vec::<&str>::new(), "{}", summary.table());
    assert!(summary.faults() >= summary.turns, "at least one fault a turn: {}", summary.table());
    let turns = summary.turns_under_faults();
    assert!(2 * summary.faulted_turns >= turns, "half of the turns: {}", summary.table());
}

#[test]
fn a_seed_always_gives_the_same_trace() {
    for seed in [1, 7, 42, 1_001, 77_777] {
        let [first, again] = [(); 2].map(|()| run::seed(seed, Options::default()));
        assert_eq!((first.hash, first.turns), (again.hash, again.turns), "seed {seed}");
        let recorded = run::seed(seed, Options { record: true, ..Options::default() });
        assert_eq!(
            recorded.hash, first.hash,
            "seed {seed}: looking at a run changes nothing in it"
        );
    }
}

#[test]
fn different_seeds_give_different_traces() {
    let hashes: std::collections::BTreeSet<u64> =
        (1..=20).map(|seed| run::seed(seed, Options::default()).hash).collect();
    assert_eq!(hashes.len(), 20);
}
