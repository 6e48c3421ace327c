//! The model is not blind: a queue with any fault is told from it, by a short sequence.

use super::agrees;
use super::broken::{BrokenQueue, Fault};
use super::operation::operation;
use crate::ports::runner::is_refuted;

/// Checks that the fault is found, and shrunk to at most so many operations.
#[track_caller]
fn check(fault: Fault, at_most: usize) {
    is_refuted(at_most, operation(), |operations| agrees(|| BrokenQueue::new(fault), operations));
}

#[test]
fn a_queue_that_honours_a_stale_handle_is_caught() {
    check(Fault::HonoursStaleHandle, 7);
}

#[test]
fn a_queue_that_hands_out_a_second_message_of_a_locked_group_is_caught() {
    check(Fault::IgnoresLock, 4);
}

#[test]
fn a_queue_that_takes_a_repeat_is_caught() {
    check(Fault::TakesRepeats, 2);
}

#[test]
fn a_queue_that_ignores_a_visibility_of_zero_is_caught() {
    check(Fault::IgnoresZero, 4);
}

#[test]
fn a_queue_that_receives_a_message_once_too_often_is_caught() {
    check(Fault::BuriesLate, 6);
}

#[test]
fn a_queue_that_moves_no_dead_letter_back_is_caught() {
    check(Fault::ForgetsRedrive, 9);
}

#[test]
fn a_queue_that_never_says_that_it_has_something_is_caught() {
    check(Fault::NeverReady, 2);
}

#[test]
fn a_queue_that_keeps_messages_in_flight_over_a_restart_is_caught() {
    check(Fault::KeepsFlights, 4);
}

#[test]
fn a_queue_that_loses_everything_at_a_restart_is_caught() {
    check(Fault::LosesAll, 2);
}
