//! The model is not blind: a store with any fault is told from it, by a short sequence.

use super::agrees;
use super::broken::{BrokenStore, Fault};
use super::operation::operation;
use crate::ports::runner::is_refuted;

/// Checks that the fault is found, and shrunk to at most so many operations.
#[track_caller]
fn check(fault: Fault, at_most: usize) {
    is_refuted(at_most, operation(), |operations| agrees(|| BrokenStore::new(fault), operations));
}

#[test]
fn a_store_that_treats_an_expired_item_as_present_is_caught() {
    check(Fault::KeepsExpired, 3);
}

#[test]
fn a_store_that_applies_half_a_transaction_is_caught() {
    check(Fault::WritesHalf, 2);
}

#[test]
fn a_store_whose_refusal_hides_the_current_item_is_caught() {
    check(Fault::HidesCurrent, 2);
}

#[test]
fn a_store_whose_refusal_blames_another_write_is_caught() {
    check(Fault::BlamesFirst, 2);
}

#[test]
fn a_store_whose_put_merges_is_caught() {
    check(Fault::MergesPut, 2);
}

#[test]
fn a_store_that_tells_of_no_further_page_is_caught() {
    check(Fault::NeverMore, 3);
}

#[test]
fn a_store_that_only_ascends_is_caught() {
    check(Fault::Ascends, 3);
}

#[test]
fn a_store_that_hides_what_is_due_and_expired_is_caught() {
    check(Fault::HidesExpiredDue, 2);
}

#[test]
fn a_store_that_loses_everything_at_a_restart_is_caught() {
    check(Fault::LosesAll, 2);
}
