//! Frames as a client reads them: true ones, unknown ones, and nonsense.

use client::rule::{Frame, Resumed, TurnEvent, TurnFrame};
use proptest::prelude::*;

use super::driver::Driver;
use super::recordings::{delta, opened, resumed, started, status};

#[track_caller]
fn check(raw: &str, expected: &Frame<'_>) {
    assert_eq!(Frame::parse(raw), *expected, "{raw}");
}

#[test]
fn what_the_service_writes_is_read() {
    check(&resumed(2, 5, 7), &Frame::Resumed(Resumed { first: 2, next: 5, born: 7 }));
    for raw in [started(4, 2), opened(4, 2)] {
        check(&raw, &Frame::Turn(TurnFrame { turn: 4, generation: 2, event: TurnEvent::Progress }));
    }
    let event = TurnEvent::Status { phase: "retrying".into() };
    check(&status(4, 2), &Frame::Turn(TurnFrame { turn: 4, generation: 2, event }));
    let event = TurnEvent::Content { offset: 3, delta: "a \"🧘\"\n".into() };
    check(&delta(4, 2, 3, "a \"🧘\"\n"), &Frame::Turn(TurnFrame { turn: 4, generation: 2, event }));
}

#[test]
fn unknown_fields_are_ignored() {
    let raw = r#"{"type":"RUN_STARTED","timestamp":1,"new":{"a":[]},"metadata":{"turn":1,"gen":1,"new":null}}"#;
    check(raw, &Frame::Turn(TurnFrame { turn: 1, generation: 1, event: TurnEvent::Progress }));
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let metadata =
        ["null", "{}", r#"{"turn":0,"gen":1}"#, r#"{"turn":1,"gen":0}"#, r#"{"turn":1.5,"gen":1}"#];
    let more =
        [r#"{"turn":1,"gen":"1"}"#, r#"{"turn":-1,"gen":1}"#, r#"{"turn":1,"gen":1,"offset":"x"}"#];
    for metadata in metadata.into_iter().chain(more).chain([r#"{"turn":1,"gen":1}"#]) {
        let raw = format!(
            r#"{{"type":"TEXT_MESSAGE_CONTENT","messageId":"m.1","delta":"x","metadata":{metadata}}}"#
        );
        check(&raw, &Frame::Other);
    }
    for raw in ["", "[]", "null", "{}", "{", r#"{"type":"NEW","metadata":{"turn":1,"gen":1}}"#] {
        check(raw, &Frame::Other);
    }
}

#[test]
fn a_turn_of_any_number_is_survived() {
    let mut client = Driver::after(&[]);
    client.frame(r#"{"type":"RUN_STARTED","metadata":{"turn":18446744073709551615,"gen":18446744073709551615}}"#);
    client.frame(r#"{"type":"CUSTOM","name":"chat.resumed","value":{"first":0,"next":18446744073709551615,"born":7}}"#);
    assert_eq!(client.rule.cursor(), 0);
}

proptest! {
    #[test]
    fn no_text_makes_a_client_panic(raw in "\\PC*") {
        Driver::after(&[]).frame(&raw);
    }

    #[test]
    fn no_damaged_frame_makes_a_client_panic(at in 0..150_usize, byte in 0..128_u8, first in any::<u64>()) {
        let mut raw = delta(1, 1, first, "ab\"🧘").into_bytes();
        let at = at % raw.len();
        raw[at] = byte;
        Driver::after(&[]).frame(&String::from_utf8_lossy(&raw));
    }
}
