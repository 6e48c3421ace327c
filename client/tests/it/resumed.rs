//! What `chat.resumed` does.

use client::rule::{Action, Input, Variant};
use shared::domain::TurnKind::Reply;

use super::driver::{Driver, resume};
use super::recordings::{delta, reply, resumed};

fn with_two_finals() -> Driver {
    let mut client = Driver::open(Variant::Faithful);
    client.frames(&[resumed(1, 3, 7), reply(1, 1, "one"), reply(2, 1, "two")]);
    client.give(Input::Closed);
    assert_eq!(client.give(Input::Opened), [resume(2)]);
    client
}

#[track_caller]
fn check_begins_anew(client: &mut Driver, answer: &str) {
    assert_eq!(client.frame(answer), [Action::Reset, resume(0)]);
    assert_eq!(client.rule.cursor(), 0);
    client.frames(&[resumed(1, 2, 8), reply(1, 1, "new")]);
    assert_eq!(client.shown().last(), Some(&(1, Reply, "new")));
}

#[test]
fn an_empty_session_is_nothing_to_wait_for() {
    let mut client = Driver::open(Variant::Faithful);
    assert_eq!(client.frame(&resumed(1, 1, 7)), []);
    client.check_next(300_000, &[resume(0)]);
}

#[test]
fn nothing_counts_on_a_connection_before_it() {
    let mut client = Driver::open(Variant::Faithful);
    client.frames(&[delta(1, 1, 0, "early"), reply(1, 1, "early")]);
    assert_eq!((client.rule.text(1), client.shown()), ("", vec![]));
    client.frames(&[resumed(1, 2, 7), reply(1, 1, "one")]);
    assert_eq!(client.shown(), [(1, Reply, "one")]);
}

#[test]
fn a_cursor_below_the_oldest_stored_turn_moves_there() {
    let mut client = Driver::open(Variant::Faithful);
    assert_eq!(client.frame(&resumed(6, 8, 7)), [Action::Skipped { cursor: 5 }]);
    client.frames(&[delta(5, 1, 0, "gone"), reply(6, 1, "six")]);
    assert_eq!((client.rule.text(5), client.shown()), ("", vec![(6, Reply, "six")]));
}

#[test]
fn finals_that_waited_behind_the_lost_turns_are_shown_then() {
    let mut client = Driver::after(&[reply(6, 1, "six"), delta(4, 1, 0, "gone")]);
    assert_eq!(client.frame(&resumed(6, 7, 7)), [Action::Skipped { cursor: 5 }]);
    assert_eq!((client.rule.text(4), client.shown()), ("", vec![(6, Reply, "six")]));
}

#[test]
fn another_birth_means_another_session() {
    check_begins_anew(&mut with_two_finals(), &resumed(1, 5, 8));
}

#[test]
fn a_cursor_at_next_or_above_means_another_session() {
    check_begins_anew(&mut with_two_finals(), &resumed(1, 2, 7));
    check_begins_anew(&mut with_two_finals(), &resumed(1, 1, 7));
}

#[test]
fn another_session_is_begun_once() {
    let mut client = with_two_finals();
    client.frame(&resumed(1, 1, 7));
    assert_eq!(client.frame(&resumed(1, 1, 7)), []);
}

#[test]
fn an_older_answer_takes_nothing_back() {
    let mut client = Driver::open(Variant::Faithful);
    client.frames(&[resumed(1, 3, 7), resumed(1, 1, 7)]);
    client.check_next(10_000, &[resume(0)]);
}

#[test]
fn the_same_session_is_not_forgotten() {
    assert_eq!(with_two_finals().frame(&resumed(1, 3, 7)), []);
}

#[test]
fn an_answer_that_finals_overtook_on_its_connection_forgets_nothing() {
    let mut client = Driver::after(&[reply(1, 1, "one"), reply(2, 1, "two")]);
    assert_eq!(client.frame(&resumed(1, 1, 7)), []);
    assert_eq!(client.rule.cursor(), 2);
}
