//! Mutants that random seeds find.

use simulation::mutants::Mutant;
use simulation::run::{self, Options};

/// How many seeds a mutant is looked for in: one that is caught in one of five escapes one list in
/// a thousand.
const SEEDS: u64 = 30;

#[test]
fn a_final_that_is_queued_before_its_commit_is_found() {
    check(Mutant::QueueBeforeCommit, "5");
}

#[test]
fn a_final_that_is_written_again_is_found() {
    check(Mutant::RegenerateOnRedelivery, "2");
}

#[test]
fn a_fenced_worker_that_acknowledges_is_found() {
    check(Mutant::FencedWorkerAcknowledges, "5");
}

#[test]
fn a_reply_that_the_notifier_makes_durable_is_found() {
    check(Mutant::NotifierPersists, "5");
}

#[test]
fn a_client_that_ignores_the_generation_is_found() {
    check(Mutant::ClientIgnoresGeneration, "3");
}

#[test]
fn a_client_that_skips_finals_is_found() {
    check(Mutant::ClientCursorIsLastSeen, "3");
}

#[test]
fn a_forgotten_stop_is_found() {
    check(Mutant::EarlyStopForgotten, "1");
}

#[test]
fn a_connection_whose_row_comes_late_is_found() {
    check(Mutant::LateRegistration, "11");
}

#[test]
fn a_second_tab_that_is_forgotten_is_found() {
    check(Mutant::OtherTabsForgotten, "11");
}

#[test]
fn a_notifier_that_remembers_connections_is_found() {
    check(Mutant::StaleConnections, "11");
}

#[test]
fn a_final_that_is_never_pushed_is_found() {
    check(Mutant::FinalNotPushed, "11");
}

#[test]
fn a_pointer_that_comes_late_is_found() {
    check(Mutant::LatePointer, "11");
}

#[test]
fn an_event_that_is_left_to_the_cleanup_is_found() {
    check(Mutant::EventsLeftToCleanup, "11");
}

#[test]
fn text_that_comes_with_the_final_is_found() {
    check(Mutant::TextNotPushed, "11");
}

#[test]
fn a_worker_that_remembers_connections_is_found() {
    check(Mutant::StaleSubscribers, "11");
}

#[test]
fn the_same_seeds_are_clean_without_a_mutant() {
    for seed in 1..=SEEDS {
        let report = run::seed(seed, Options::default());
        assert!(report.is_clean(), "seed {seed}: {:#?}", report.violations);
    }
}

/// Requires that a mutant is caught by one of the seeds, and that what it breaks first is this
/// invariant.
#[track_caller]
fn check(mutant: Mutant, invariant: &str) {
    let options = Options { mutant: Some(mutant), ..Options::default() };
    let found = (1..=SEEDS).find_map(|seed| run::seed(seed, options).violations.into_iter().next());
    let Some(first) = found else { panic!("{mutant:?} was not caught by seeds 1 to {SEEDS}") };
    assert_eq!(first.invariant, invariant, "{mutant:?}: {}", first.what);
}
