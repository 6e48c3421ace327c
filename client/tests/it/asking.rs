//! When a client asks to resume.

use client::rule::{Input, Variant};

use super::driver::{Driver, resume};
use super::recordings::{failed, history, reply, resumed, started, status, stored};

#[test]
fn on_every_open() {
    let mut client = Driver::after(&[reply(1, 1, "one")]);
    client.give(Input::Closed);
    assert_eq!(client.give(Input::Opened), [resume(1)]);
}

#[test]
fn every_five_seconds_until_it_is_answered() {
    let mut client = Driver::open(Variant::Faithful);
    client.check_next(5_000, &[resume(0)]);
    client.check_next(10_000, &[resume(0)]);
    client.frame(&resumed(1, 1, 7));
    client.check_next(310_000, &[resume(0)]);
}

#[test]
fn never_while_the_socket_is_closed() {
    let mut client = Driver::after(&[started(1, 1)]);
    client.give(Input::Closed);
    assert_eq!(client.rule.wake_at(), None);
    assert_eq!(client.at(1_000_000), []);
}

#[test]
fn when_nothing_comes_for_ten_seconds_for_a_turn_that_it_knows_of() {
    let mut client = Driver::after(&[started(1, 1)]);
    client.check_next(10_000, &[resume(0)]);
    client.at(15_000);
    client.frame(&status(1, 1));
    client.check_next(25_000, &[resume(0)]);
    client.frames(&[reply(1, 1, "one")]);
    client.check_next(325_000, &[resume(1)]);
}

#[test]
fn when_nothing_comes_for_ten_seconds_for_a_turn_that_the_service_told_of() {
    let mut client = Driver::open(Variant::Faithful);
    client.frame(&resumed(1, 2, 7));
    client.check_next(10_000, &[resume(0)]);
}

#[test]
fn when_nothing_comes_for_ten_seconds_for_a_message_that_the_user_sent() {
    let mut client = Driver::after(&[]);
    client.give(Input::Sending("m1"));
    client.check_next(10_000, &[resume(0)]);
    client.frame(&failed(1, 1));
    client.check_next(310_000, &[resume(1)]);
    client.give(Input::Sending("m2"));
    client.give(Input::Unsent("m2"));
    client.check_next(610_000, &[resume(1)]);
}

#[test]
fn every_five_minutes() {
    let mut client = Driver::after(&[]);
    client.check_next(300_000, &[resume(0)]);
    client.check_next(600_000, &[resume(0)]);
}

#[test]
fn at_once_after_a_full_batch_of_finals_that_was_not_the_last() {
    let mut client = Driver::open(Variant::Faithful);
    client.frame(&resumed(1, 31, 7));
    let batch: Vec<_> = (1..=20).map(|turn| reply(turn, 1, "x")).collect();
    assert_eq!(client.frames(&batch), [resume(20)]);
    let rest: Vec<_> = (21..=30).map(|turn| reply(turn, 1, "x")).collect();
    assert_eq!(client.frames(&rest), []);
    assert_eq!(client.rule.cursor(), 30);
}

#[test]
fn after_a_smaller_batch_as_soon_as_nothing_follows_and_not_again_when_that_brought_nothing() {
    let mut client = Driver::open(Variant::Faithful);
    client.frames(&[resumed(1, 9, 7), reply(1, 1, "x")]);
    client.check_next(200, &[resume(1)]);
    client.frame(&resumed(1, 9, 7));
    client.check_next(10_200, &[resume(1)]);
}

#[test]
fn not_because_of_finals_that_came_before_the_answer() {
    let mut client = Driver::after(&[reply(1, 1, "x")]);
    client.frame(&resumed(1, 9, 7));
    client.check_next(10_000, &[resume(1)]);
}

#[test]
fn not_because_of_finals_that_the_history_told_before_the_answer() {
    let mut client = Driver::after(&[resumed(1, 9, 7)]);
    client.give(Input::Closed);
    client.give(Input::Opened);
    client.history(&history(&[stored(1, Some("x"))]));
    client.check_next(5_000, &[resume(1)]);
}
