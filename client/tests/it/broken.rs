//! The two broken clients are found out by the check that the true one passes.

use client::rule::Variant;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::driver::Driver;
use super::recordings::{delta, opened, reply, resumed};
use super::story::{stories, violation};

/// Returns in how many of 300 stories a client shows what it must not.
fn caught(variant: Variant) -> usize {
    let mut runner = TestRunner::deterministic();
    let stories = stories();
    let mut is_caught = || {
        let (story, steps) = stories.new_tree(&mut runner).unwrap().current();
        violation(variant, &story, &steps).is_some()
    };
    (0..300).filter(|_| is_caught()).count()
}

#[test]
fn a_faithful_client_is_never_caught() {
    assert_eq!(caught(Variant::Faithful), 0);
}

#[test]
fn a_client_that_ignores_the_generation_is_caught() {
    assert!(caught(Variant::IgnoresGeneration) >= 10);
}

#[test]
fn a_client_whose_cursor_is_the_last_final_seen_is_caught() {
    assert!(caught(Variant::CursorIsLastSeen) >= 10);
}

#[test]
fn a_client_that_ignores_the_generation_splices_two_of_them() {
    let mut client = Driver::open(Variant::IgnoresGeneration);
    client.frames(&[
        resumed(1, 2, 7),
        delta(1, 1, 0, "old"),
        opened(1, 2),
        delta(1, 2, 0, "newer"),
    ]);
    assert_eq!(client.rule.text(1), "older");
}

#[test]
fn a_client_whose_cursor_is_the_last_final_seen_skips_one() {
    let mut client = Driver::open(Variant::CursorIsLastSeen);
    client.frames(&[resumed(1, 3, 7), reply(2, 1, "two"), reply(1, 1, "one")]);
    assert_eq!(client.finals.iter().map(|shown| shown.number).collect::<Vec<_>>(), [2]);
    assert_eq!(client.rule.cursor(), 2);
}
