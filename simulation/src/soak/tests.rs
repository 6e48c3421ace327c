//! The verdict sees what it is there to see: each test breaks one promise in an otherwise good
//! story.

use std::time::Duration;

use shared::domain::{ErrorCode, FinishReason};
use tokio::time::Instant;

use super::ledger::{Ledger, ModelCall, ObservedFinal, PostedMessage, SessionRef};
use super::provider::told;
use super::{verdict, watch};
use crate::checks::mark;
use client::tab::{Observer as _, TabId};

const REPLY: &str = "~u1.lesson-1.1~ call 1: hello";
const SECOND: Duration = Duration::from_secs(1);

/// A session in which everything was kept so far: three messages, each accepted before the next one
/// was sent.
struct Story {
    ledger: Ledger,
    session_ref: SessionRef,
    begun: Instant,
    stored: Vec<ObservedFinal>,
}

impl Story {
    fn good() -> Self {
        let session_ref = SessionRef { owner: 1, session: "lesson-1".to_owned() };
        let mut story =
            Self { ledger: Ledger::new(), session_ref, begun: Instant::now(), stored: Vec::new() };
        let mut before = Vec::new();
        for number in 1..=3 {
            let text = format!("call {number}: hello");
            story.post(number);
            story.say(number, &text, before.clone());
            before.extend([told("user", "hello?"), told("assistant", &text)]);
            story.stored.push(reply(number, &text));
        }
        story
    }

    fn post(&self, number: u32) {
        let posted = PostedMessage {
            text: "hello?".to_owned(),
            first_at: self.begun + SECOND * (10 * number),
            accepted_at: Some(self.begun + SECOND * (10 * number + 1)),
            stop_asked: false,
            stopped_at: None,
        };
        self.ledger.with(&self.session_ref, |session| session.posted.insert(number, posted));
    }

    fn say(&self, number: u32, text: &str, told: Vec<u64>) {
        let full_at = self.begun + SECOND * (10 * number + 5);
        let said = ModelCall { text: text.to_owned(), whole: true, full_at, told };
        self.ledger.called(mark(1, "lesson-1", number), said);
    }

    fn change(&self, number: u32, change: impl FnOnce(&mut PostedMessage)) {
        self.ledger
            .with(&self.session_ref, |session| change(session.posted.get_mut(&number).unwrap()));
    }

    /// Judges the story; `expected` is a part of the first violation, or nothing for none.
    #[track_caller]
    fn check(&self, expected: Option<&str>) {
        verdict::judge(&self.ledger, &self.session_ref, &self.stored);
        let violations = self.ledger.violations();
        let found = violations.first().map(String::as_str).unwrap_or_default();
        assert_eq!(violations.is_empty(), expected.is_none(), "{violations:#?}");
        assert!(found.contains(expected.unwrap_or_default()), "{found}");
    }
}

fn reply(number: u32, text: &str) -> ObservedFinal {
    let message_id = format!("m{number}");
    let text = text.to_owned();
    ObservedFinal { message_id, text, error: None, finish_reason: Some(FinishReason::Stop) }
}

fn cancelled(number: u32, text: &str) -> ObservedFinal {
    ObservedFinal { finish_reason: Some(FinishReason::Cancelled), ..reply(number, text) }
}

#[test]
fn a_good_story_is_no_violation() {
    Story::good().check(None);
}

#[test]
fn a_lost_message_is_found() {
    let mut story = Story::good();
    story.stored.pop();
    story.check(Some("m3 has 0 finals"));
}

#[test]
fn a_message_that_was_never_answered_202_may_be_lost() {
    let mut story = Story::good();
    story.change(3, |posted| posted.accepted_at = None);
    story.stored.pop();
    story.check(None);
}

#[test]
fn a_doubled_message_is_found() {
    let mut story = Story::good();
    story.stored.push(reply(3, "call 3: hello"));
    story.check(Some("m3 has 2 finals"));
}

#[test]
fn an_answer_to_nobody_is_found() {
    let mut story = Story::good();
    story.stored.push(reply(4, "call 3: hello"));
    story.check(Some("nobody posted the message"));
}

#[test]
fn answers_in_another_order_than_the_202s_are_found() {
    let mut story = Story::good();
    story.post(4);
    story.change(4, |posted| posted.first_at -= SECOND * 35);
    story.change(4, |posted| posted.accepted_at = Some(posted.first_at + SECOND));
    story.say(4, "call 4: hello", Vec::new());
    story.stored.push(reply(4, "call 4: hello"));
    story.check(Some("m4 was accepted"));
}

#[test]
fn a_final_that_changed_after_it_was_shown_is_found() {
    let story = Story::good();
    let shown = ObservedFinal { error: Some(ErrorCode::AttemptsExhausted), ..reply(2, "") };
    story.ledger.final_seen(&story.session_ref, 2, &shown);
    story.check(Some("turn 2 was ObservedFinal"));
}

#[test]
fn two_finals_of_one_turn_are_found_when_they_are_seen() {
    let story = Story::good();
    story.ledger.final_seen(&story.session_ref, 2, &reply(2, "one"));
    story.ledger.final_seen(&story.session_ref, 2, &reply(2, "two"));
    assert_eq!(story.ledger.violations().len(), 1);
}

#[test]
fn a_splice_of_two_calls_is_found() {
    let mut story = Story::good();
    story.say(3, "call 4: goodbye", Vec::new());
    story.stored[2].text = "call 3: helcall 4: goodbye".to_owned();
    story.check(Some("no whole reply of any call"));
}

#[test]
fn a_cancellation_needs_a_stop_and_words_that_were_said() {
    let mut story = Story::good();
    story.stored[2] = cancelled(3, "call 3:");
    story.check(Some("nobody stopped it"));

    let mut story = Story::good();
    story.change(3, |posted| posted.stop_asked = true);
    story.stored[2] = cancelled(3, "call 3:");
    story.check(None);
    story.stored[2] = cancelled(3, "call 5:");
    story.check(Some("no call ever said it"));
}

#[test]
fn a_reply_that_ended_after_its_stop_was_answered_is_found() {
    let story = Story::good();
    let stop = |at| {
        move |posted: &mut PostedMessage| (posted.stop_asked, posted.stopped_at) = (true, Some(at))
    };
    story.change(3, stop(story.begun + SECOND * 36));
    story.check(None);
    story.change(3, stop(story.begun + SECOND * 34));
    story.check(Some("a stop was answered 202 before the reply was there"));
}

#[test]
fn a_context_with_a_hole_is_found() {
    let story = Story::good();
    story.say(3, "call 3: hello", vec![told("user", "hello?"), told("assistant", "call 1: hello")]);
    story.check(Some("a model was told 2 texts before turn 3"));
}

#[test]
fn what_a_deleted_session_showed_is_judged_too() {
    let story = Story::good();
    story.ledger.final_seen(&story.session_ref, 1, &story.stored[0]);
    verdict::judge_deleted(&story.ledger, &story.session_ref);
    assert_eq!(story.ledger.violations(), Vec::<String>::new());
    story.ledger.final_seen(&story.session_ref, 2, &reply(2, "call 1: hello"));
    verdict::judge_deleted(&story.ledger, &story.session_ref);
    assert_eq!(story.ledger.violations().len(), 1);
}

/// Shows a tab a text of turn 1, and expects so many violations.
#[track_caller]
fn check_shown(text: &str, violations: usize) {
    let story = Story::good();
    story.say(1, REPLY, Vec::new());
    let ledger = std::sync::Arc::new(story.ledger);
    let frame = frame("m1.1", "x");
    let watch = watch::TabWatch::new(std::sync::Arc::clone(&ledger), story.session_ref);
    watch.frame_received(TabId(1), &frame);
    watch.text_shown(TabId(1), 1, 1, text);
    assert_eq!(ledger.violations().len(), violations, "{:?}", ledger.violations());
}

fn frame(message: &str, delta: &str) -> String {
    let metadata = r#"{"turn":1,"gen":1,"offset":0}"#;
    format!(
        "{{\"type\":\"TEXT_MESSAGE_CONTENT\",\"messageId\":\"{message}\",\
         \"delta\":\"{delta}\",\"metadata\":{metadata}}}"
    )
}

#[test]
fn a_tab_shows_only_the_beginning_of_what_a_model_said() {
    check_shown("", 0);
    check_shown(&REPLY[..20], 0);
    check_shown("lesson", 1);
}

#[test]
fn a_frame_with_the_text_of_another_account_is_found() {
    let story = Story::good();
    let ledger = std::sync::Arc::new(story.ledger);
    let watch = watch::TabWatch::new(std::sync::Arc::clone(&ledger), story.session_ref);
    watch.frame_received(TabId(1), &frame("m1.1", "~u1.lesson-1.1~"));
    assert_eq!(ledger.violations(), Vec::<String>::new());
    watch.frame_received(TabId(1), &frame("m1.1", "~u2.lesson-1.1~"));
    assert_eq!(ledger.violations().len(), 1);
}
