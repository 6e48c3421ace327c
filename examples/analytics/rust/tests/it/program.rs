//! The program as people run it.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::{fixture, folder};

#[track_caller]
fn check(arguments: &[&str], input: Stdio, expected: (i32, &str, &str)) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_analytics-figures"));
    let output =
        program.current_dir(folder("fixture")).args(arguments).stdin(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let out = text(output.stdout);
    let err = text(output.stderr);
    assert_eq!(
        (output.status.code(), out.as_str(), err.as_str()),
        (Some(expected.0), expected.1, expected.2)
    );
}

#[test]
fn a_named_file_gives_the_expected_figures() {
    check(&["events.jsonl"], Stdio::null(), (0, &fixture("figures.jsonl"), ""));
}

#[test]
fn standard_input_gives_the_same() {
    let file = File::open(folder("fixture/events.jsonl")).unwrap();
    check(&[], file.into(), (0, &fixture("figures.jsonl"), ""));
}

#[test]
fn what_two_files_repeat_is_counted_once() {
    check(&["events.jsonl", "events.jsonl"], Stdio::null(), (0, &fixture("figures.jsonl"), ""));
}

#[test]
fn broken_lines_are_named_and_the_others_are_counted() {
    let expected = (1, fixture("broken.figures.jsonl"), fixture("broken.errors.txt"));
    check(&["broken.jsonl"], Stdio::null(), (expected.0, &expected.1, &expected.2));
}

#[test]
fn a_file_that_is_not_there_ends_it_without_figures() {
    let why = "missing.jsonl: No such file or directory (os error 2)\n";
    check(&["events.jsonl", "missing.jsonl"], Stdio::null(), (2, "", why));
}
