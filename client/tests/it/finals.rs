//! Finals: they freeze, stand in line, and are fetched where they were too large.

use std::time::Duration;

use client::rule::{Action, FinalDetails, FinalTurn, Input};
use shared::domain::TurnKind::{Cancelled, Error, Reply};
use shared::domain::sha256_hex;
use shared::domain::{ErrorCode, FinishReason};

use super::driver::{Driver, resume};
use super::recordings::{
    CITED_TEXT, cancelled, cited, delta, failed, history, passages, reply, started, stored,
    stored_cited, stored_failure, withheld,
};

const FETCH: Action = Action::Fetch { after: 0 };

#[test]
fn a_final_replaces_the_text_and_every_later_frame_of_its_turn_is_ignored() {
    let mut client = Driver::after(&[delta(1, 1, 0, "abc"), reply(1, 1, "xyz")]);
    let late = [
        delta(1, 1, 3, "d"),
        delta(1, 2, 0, "late"),
        failed(1, 2),
        reply(1, 2, "other"),
        withheld(1, 2, "w"),
    ];
    assert_eq!(client.frames(&late), []);
    assert_eq!(client.shown(), [(1, Reply, "xyz")]);
    assert_eq!((client.rule.cursor(), client.rule.text(1)), (1, ""));
}

#[test]
fn a_final_is_shown_with_all_that_its_frame_told() {
    let client = Driver::after(&[reply(1, 3, "xyz")]);
    let expected = FinalTurn {
        number: 1,
        generation: 3,
        message_id: "m1".into(),
        kind: Reply,
        text: "xyz".into(),
        error: None,
        finish_reason: Some(FinishReason::Stop),
        sha256: Some(sha256_hex("xyz")),
        details: Box::default(),
    };
    assert_eq!(client.finals, [expected]);
}

#[test]
fn a_final_carries_model_tokens_and_cost() {
    let frame = reply(1, 1, "x");
    let frame = frame.replace(
        r#""usage":[]"#,
        r#""usage":[{"provider":"claude","model":"m","inputTokens":3,"outputTokens":4}]"#,
    );
    let frame = frame.replace(r#""finishReason""#, r#""costMicroUsd":5,"finishReason""#);
    let expected = FinalDetails {
        provider: Some("claude".into()),
        model: Some("m".into()),
        input_tokens: 3,
        output_tokens: 4,
        cost_micro_usd: Some(5),
        ..FinalDetails::default()
    };
    assert_eq!(*Driver::after(&[frame]).finals[0].details, expected);
    let failure = &Driver::after(&[failed(1, 1)]).finals[0].details;
    assert_eq!(failure.error_message.as_deref(), Some("It failed."));
}

#[test]
fn a_final_whose_text_does_not_match_its_checksum_is_fetched_instead() {
    let mut client = Driver::after(&[]);
    let damaged = reply(1, 1, "xyz").replace(r#""text":"xyz""#, r#""text":"xyZ""#);
    assert_eq!(client.frame(&damaged), [Action::ChecksumMismatch { turn: 1 }, FETCH]);
    assert_eq!(client.frame(&damaged), [Action::ChecksumMismatch { turn: 1 }], "fetched once");
    assert_eq!(client.shown(), []);
    client.history(&history(&[stored(1, Some("xyz"))]));
    assert_eq!(client.shown(), [(1, Reply, "xyz")]);
}

#[test]
fn a_final_has_its_citations_and_the_headings_of_its_passages() {
    let client = Driver::after(&[passages(1, 1), cited(1, 1)]);
    let details = &client.finals[0].details;
    assert_eq!(details.citations[0].quote, "Phones stay at home");
    assert_eq!(details.passages[0].headings, ["Rules", "Phones"]);
    let client = Driver::after(&[passages(1, 1), started(1, 2), cited(1, 2)]);
    assert_eq!(client.finals[0].details.passages, [], "of an earlier generation");
}

#[test]
fn citations_that_do_not_match_their_checksum_are_fetched_instead() {
    let whole = cited(1, 1);
    for damaged in [
        whole.replace("Phones stay", "Phones go"),
        whole.replace(r#""offset":8"#, r#""offset":9"#),
        whole.replace(r#""citations":["#, r#""other":["#),
    ] {
        let mut client = Driver::after(&[]);
        assert_eq!(client.frame(&damaged), [Action::ChecksumMismatch { turn: 1 }, FETCH]);
        assert_eq!(
            client.history(&history(&[stored(1, Some(CITED_TEXT))])),
            [Action::ChecksumMismatch { turn: 1 }],
            "the history lacks them too"
        );
        assert_eq!(client.shown(), []);
        client.history(&history(&[stored_cited(1)]));
        assert_eq!(client.shown(), [(1, Reply, CITED_TEXT)]);
        assert_eq!(client.finals[0].details.citations.len(), 1);
    }
}

#[test]
fn cancellations_and_errors_are_finals_too() {
    let client = Driver::after(&[cancelled(1, 1, "half"), failed(2, 1)]);
    assert_eq!(client.shown(), [(1, Cancelled, "half"), (2, Error, "")]);
    assert_eq!(client.finals[1].error, Some(ErrorCode::ProvidersUnavailable));
    assert_eq!(client.finals[1].message_id, "m2");
}

#[test]
fn a_final_ahead_of_its_turn_is_kept_and_those_before_it_are_asked_for() {
    let mut client = Driver::after(&[]);
    client.at(2_000);
    assert_eq!(client.frame(&reply(3, 1, "three")), [resume(0)]);
    client.frame(&reply(2, 1, "two"));
    assert_eq!((client.shown(), client.rule.cursor()), (vec![], 0));
    assert_eq!(client.frame(&delta(3, 2, 0, "late")), []);
    client.frame(&reply(1, 1, "one"));
    assert_eq!(client.shown(), [(1, Reply, "one"), (2, Reply, "two"), (3, Reply, "three")]);
}

#[test]
fn any_frame_of_a_turn_proves_that_the_finals_before_it_are_stored() {
    for frame in [started(2, 1), delta(2, 1, 0, "x"), withheld(2, 1, "x")] {
        let mut client = Driver::after(&[]);
        client.frame(&frame);
        assert_eq!(client.rule.wake_at(), Some(Duration::from_secs(2)));
        assert_eq!(client.at(2_000), [resume(0)]);
    }
    let client = Driver::after(&[reply(1, 1, "one"), started(2, 1)]);
    assert_eq!(client.rule.wake_at(), Some(Duration::from_secs(10)));
}

#[test]
fn a_final_without_its_text_freezes_nothing_and_is_fetched_again_every_five_seconds() {
    let mut client = Driver::after(&[delta(1, 1, 0, "ab")]);
    assert_eq!(client.frame(&withheld(1, 1, "abcdef")), [FETCH]);
    client.frame(&delta(1, 1, 2, "c"));
    assert_eq!(client.frame(&withheld(1, 1, "abcdef")), []);
    assert_eq!(client.rule.text(1), "abc");
    client.check_next(5_000, &[FETCH]);
    assert_eq!(client.history(&history(&[stored(1, Some("abcdef"))])), []);
    assert_eq!(client.shown(), [(1, Reply, "abcdef")]);
    assert_eq!(client.finals[0].sha256, Some(sha256_hex("abcdef")));
}

#[test]
fn a_fetch_goes_on_while_the_socket_is_closed() {
    let mut client = Driver::after(&[withheld(1, 1, "x")]);
    client.give(Input::Closed);
    client.check_next(5_000, &[FETCH]);
}

#[test]
fn a_fetched_text_with_another_checksum_is_not_taken() {
    let mut client = Driver::after(&[withheld(1, 1, "abcdef")]);
    let damaged = history(&[stored(1, Some("abcdeF"))]);
    assert_eq!(client.history(&damaged), [Action::ChecksumMismatch { turn: 1 }]);
    assert_eq!(client.shown(), []);
    client.check_next(5_000, &[FETCH]);
}

#[test]
fn the_history_and_frames_do_not_double_a_final() {
    let mut client = Driver::after(&[]);
    client.history(&history(&[stored(1, Some("one")), stored(2, None)]));
    client.history(&history(&[stored(1, Some("one"))]));
    client.frames(&[reply(1, 1, "one"), reply(2, 1, "two")]);
    client.history(&history(&[stored(1, Some("one")), stored(2, Some("two"))]));
    assert_eq!(client.shown(), [(1, Reply, "one"), (2, Reply, "two")]);
    assert_eq!(client.rule.wake_at(), Some(Duration::from_mins(5)), "nothing is waited for");
}

#[test]
fn a_failure_can_come_from_the_history_too() {
    let mut client = Driver::after(&[]);
    client.history(&history(&[stored_failure(1)]));
    assert_eq!(client.shown(), [(1, Error, "")]);
    assert_eq!(client.finals[0].error, Some(ErrorCode::ProvidersUnavailable));
}

#[test]
fn a_session_that_the_history_does_not_know_is_forgotten() {
    let mut client = Driver::after(&[reply(1, 1, "one"), withheld(2, 1, "two")]);
    assert_eq!(client.give(Input::Gone), [Action::Reset]);
    assert_eq!((client.rule.cursor(), client.rule.text(2)), (0, ""));
}
