//! Provisional text: generations and offsets.

use client::rule::Action;

use super::driver::{Driver, resume};
use super::recordings::{delta, ended, opened, started, status};

#[track_caller]
fn check(frames: &[String], expected: &str) {
    assert_eq!(Driver::after(frames).rule.text(1), expected);
}

#[test]
fn text_grows_by_pieces_at_its_end() {
    check(
        &[started(1, 1), opened(1, 1), delta(1, 1, 0, "ab"), delta(1, 1, 2, "cd"), ended(1, 1)],
        "abcd",
    );
}

#[test]
fn the_overlap_of_a_piece_is_ignored() {
    check(&[delta(1, 1, 0, "abc"), delta(1, 1, 1, "bcd")], "abcd");
    check(&[delta(1, 1, 0, "abc"), delta(1, 1, 0, "ab"), delta(1, 1, 2, "c")], "abc");
}

#[test]
fn offsets_count_utf_16_code_units() {
    check(&[delta(1, 1, 0, "🧘é"), delta(1, 1, 3, "x")], "🧘éx");
    check(&[delta(1, 1, 0, "a🧘"), delta(1, 1, 1, "🧘éx")], "a🧘éx");
}

#[test]
fn a_piece_that_would_be_cut_inside_a_character_is_a_gap() {
    let mut client = Driver::after(&[delta(1, 1, 0, "ab")]);
    client.at(2_000);
    assert_eq!(client.frame(&delta(1, 1, 1, "🧘")), [resume(0)]);
    assert_eq!(client.rule.text(1), "ab");
}

#[test]
fn a_lower_generation_is_ignored() {
    check(
        &[delta(1, 2, 0, "new"), delta(1, 1, 3, "old"), opened(1, 1), delta(1, 2, 3, "er")],
        "newer",
    );
}

#[test]
fn a_higher_generation_clears_whatever_brings_it() {
    for frame in [started(1, 2), opened(1, 2), status(1, 2), ended(1, 2)] {
        check(&[delta(1, 1, 0, "old"), frame.clone()], "");
        check(&[delta(1, 1, 0, "old"), frame, delta(1, 1, 3, "er")], "");
    }
    check(&[delta(1, 1, 0, "old"), delta(1, 2, 0, "new")], "new");
    check(&[delta(1, 1, 0, "old"), delta(1, 2, 3, "new")], "");
}

#[test]
fn each_change_of_the_text_is_told_and_nothing_else() {
    let mut client = Driver::after(&[]);
    let told = |generation| [Action::Text { turn: 1, generation }];
    assert_eq!(client.frame(&started(1, 1)), []);
    assert_eq!(client.frame(&delta(1, 1, 0, "ab")), told(1));
    assert_eq!(client.frame(&delta(1, 1, 0, "ab")), []);
    assert_eq!(client.frame(&opened(1, 2)), told(2));
    assert_eq!(client.frame(&opened(1, 3)), []);
    assert_eq!(client.frame(&delta(1, 2, 0, "x")), []);
}

#[test]
fn a_status_is_passed_on_unless_its_generation_is_over() {
    let mut client = Driver::after(&[started(1, 2)]);
    let phase = || "retrying".to_owned();
    assert_eq!(client.frame(&status(1, 2)), [Action::Status { turn: 1, phase: phase() }]);
    assert_eq!(client.frame(&status(1, 1)), []);
}

#[test]
fn a_piece_behind_a_gap_is_dropped_and_asked_for_at_most_once_in_two_seconds() {
    let mut client = Driver::after(&[delta(1, 1, 0, "ab")]);
    assert_eq!(client.frame(&delta(1, 1, 4, "ef")), []);
    client.check_next(2_000, &[resume(0)]);
    client.at(2_500);
    assert_eq!(client.frame(&delta(1, 1, 6, "gh")), []);
    assert_eq!(client.rule.text(1), "ab");
    client.check_next(4_000, &[resume(0)]);
    client.at(6_000);
    assert_eq!(client.frame(&delta(1, 1, 8, "ij")), [resume(0)]);
}

#[test]
fn texts_of_several_turns_do_not_mix() {
    let client = Driver::after(&[delta(1, 1, 0, "one"), delta(2, 1, 0, "two")]);
    assert_eq!((client.rule.text(1), client.rule.text(2)), ("one", "two"));
}
