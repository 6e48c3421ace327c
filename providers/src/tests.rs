//! Whole streams through decoding, however their bytes arrive.

mod compatible;

use std::convert::Infallible;

use bytes::Bytes;
use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use proptest::prelude::*;
use shared::domain::{FinishReason, Usage};
use shared::ports::{Finish, ModelError, ModelEvent};

use super::claude::Events;
use super::openai::Chunks;
use super::sse::{self, Decoder};

const CLAUDE: &str = include_str!("../tests/recorded/claude.sse");
const OPENAI: &str = include_str!("../tests/recorded/openai.sse");
const TEXT: &str = "Period 3 is „Mathe“ 📐.";

/// What a stream came to.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    text: String,
    usage: Option<Usage>,
    finish: Option<Finish>,
    error: Option<String>,
}

fn decode(parts: impl IntoIterator<Item = Vec<u8>>, decoder: impl Decoder) -> Outcome {
    let parts: Vec<_> =
        parts.into_iter().map(|part| Ok::<_, Infallible>(Bytes::from(part))).collect();
    let items = all(stream::iter(parts), decoder);
    let mut outcome = Outcome::default();
    for item in items {
        assert!(outcome.finish.is_none() && outcome.error.is_none(), "nothing follows the end");
        match item {
            Ok(ModelEvent::Delta(text)) => {
                assert!(!text.is_empty(), "a delta has text");
                outcome.text.push_str(&text);
            }
            Ok(ModelEvent::Usage(usage)) => outcome.usage = Some(usage),
            Ok(ModelEvent::Alive) => (),
            Ok(ModelEvent::Finished(finish)) => outcome.finish = Some(finish),
            Ok(other) => panic!("{other:?}"),
            Err(error) => outcome.error = Some(format!("{error:?}")),
        }
    }
    assert!(
        outcome.finish.is_some() || outcome.error.is_some(),
        "a stream ends with an end or an error"
    );
    outcome
}

/// Collects the items of a body whose bytes are all there.
fn all<E: std::error::Error + Send + Sync + 'static>(
    body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    decoder: impl Decoder,
) -> Vec<Result<ModelEvent, ModelError>> {
    sse::events(body, decoder).collect().now_or_never().expect("nothing is waited for")
}

fn claude(text: &str) -> Outcome {
    decode([text.into()], Events::default())
}

fn openai(text: &str) -> Outcome {
    decode([text.into()], Chunks::default())
}

#[track_caller]
fn check_reason(outcome: &Outcome, text: &str, expected: FinishReason) {
    assert_eq!(
        (outcome.text.as_str(), outcome.finish.as_ref().map(|finish| finish.reason)),
        (text, Some(expected))
    );
}

#[track_caller]
fn check_error(outcome: &Outcome, expected: &ModelError) {
    assert_eq!((outcome.error.clone(), &outcome.finish), (Some(format!("{expected:?}")), &None));
}

fn broken(text: &str) -> ModelError {
    ModelError::Broken(text.to_owned())
}

fn finished(model: &str, usage: Usage) -> Outcome {
    let finish = Some(Finish { reason: FinishReason::Stop, model: Some(model.to_owned()) });
    Outcome { text: TEXT.to_owned(), usage: Some(usage), finish, error: None }
}

fn claude_whole() -> Outcome {
    let usage = Usage {
        input_tokens: 4321,
        cached_input_tokens: 4000,
        cache_write_tokens: 300,
        output_tokens: 15,
    };
    finished("claude-haiku-5-5-20261001", usage)
}

fn openai_whole() -> Outcome {
    let usage = Usage {
        input_tokens: 4321,
        cached_input_tokens: 4000,
        cache_write_tokens: 0,
        output_tokens: 15,
    };
    finished("gpt-6-luna-2026-10-01", usage)
}

#[test]
fn a_recorded_stream_becomes_text_usage_and_an_end() {
    assert_eq!(claude(CLAUDE), claude_whole());
    assert_eq!(openai(OPENAI), openai_whole());
}

#[test]
fn bytes_may_arrive_one_at_a_time() {
    assert_eq!(decode(CLAUDE.bytes().map(|byte| vec![byte]), Events::default()), claude_whole());
    assert_eq!(decode(OPENAI.bytes().map(|byte| vec![byte]), Chunks::default()), openai_whole());
}

#[test]
fn line_ends_may_be_those_of_any_system() {
    assert_eq!(claude(&CLAUDE.replace('\n', "\r\n")), claude_whole());
    assert_eq!(openai(&OPENAI.replace('\n', "\r")), openai_whole());
}

#[test]
fn a_claude_stream_cut_anywhere_is_not_complete() {
    let end = CLAUDE.trim_end().len() + 1;
    for cut in 0..=end {
        let outcome = decode([CLAUDE.as_bytes()[..cut].to_vec()], Events::default());
        assert_eq!(outcome.finish, None, "cut at {cut}");
        assert!(TEXT.starts_with(&outcome.text), "cut at {cut}");
    }
}

#[test]
fn an_openai_stream_cut_before_its_finish_reason_is_not_complete() {
    let reason = OPENAI.find("\"stop\"").unwrap();
    let end = reason + OPENAI[reason..].find("\n\n").unwrap() + 1;
    for cut in 0..=end {
        let outcome = decode([OPENAI.as_bytes()[..cut].to_vec()], Chunks::default());
        assert_eq!(outcome.finish, None, "cut at {cut}");
        assert!(TEXT.starts_with(&outcome.text), "cut at {cut}");
    }
}

#[test]
fn an_openai_stream_cut_after_its_finish_reason_has_the_whole_text() {
    let reason = OPENAI.find("\"stop\"").unwrap();
    for cut in reason + OPENAI[reason..].find("\n\n").unwrap() + 2..OPENAI.len() {
        let outcome = decode([OPENAI.as_bytes()[..cut].to_vec()], Chunks::default());
        if outcome.error.is_none() {
            check_reason(&outcome, TEXT, FinishReason::Stop);
        }
    }
}

#[test]
fn done_without_a_finish_reason_is_no_end() {
    check_error(&openai("data: [DONE]\n\n"), &broken("[DONE] without a finish reason"));
}

#[test]
fn a_connection_that_dies_after_the_finish_reason_is_a_failure() {
    let cut = OPENAI.find("data: [DONE]").unwrap();
    let parts = [Ok(Bytes::from(&OPENAI[..cut])), Err(std::io::Error::other("reset"))];
    let items = all(stream::iter(parts), Chunks::default());
    assert!(
        matches!(items.last(), Some(Err(ModelError::Broken(text))) if text == "reset"),
        "{items:?}"
    );
}

#[test]
fn claude_stop_reasons_become_ours() {
    let with = |reason: &str| claude(&CLAUDE.replace("end_turn", reason));
    for reason in ["end_turn", "stop_sequence", "tool_use", "pause_turn", "something_new"] {
        check_reason(&with(reason), TEXT, FinishReason::Stop);
    }
    for reason in ["max_tokens", "model_context_window_exceeded"] {
        check_reason(&with(reason), TEXT, FinishReason::Length);
    }
    check_reason(&with("refusal"), TEXT, FinishReason::Refusal);
}

#[test]
fn openai_finish_reasons_become_ours() {
    let with = |reason: &str| openai(&OPENAI.replace("\"stop\"", &format!("{reason:?}")));
    for reason in ["stop", "tool_calls", "function_call", "eos", "end_turn"] {
        check_reason(&with(reason), TEXT, FinishReason::Stop);
    }
    check_reason(&with("length"), TEXT, FinishReason::Length);
    check_reason(&with("content_filter"), TEXT, FinishReason::ContentFilter);
    check_error(&with("something_new"), &broken("the reply broke off: something_new"));
}

#[test]
fn the_words_of_a_refusal_are_delivered() {
    let refusal = OPENAI.replace("\"content\":\"Period", "\"content\":null,\"refusal\":\"Period");
    check_reason(&openai(&refusal), TEXT, FinishReason::Refusal);
}

#[test]
fn pings_and_thoughts_are_signs_of_life_without_text() {
    let start = CLAUDE.find("event: content_block_stop").unwrap();
    let items = stream::iter([Ok::<_, Infallible>(Bytes::from(&CLAUDE[..start]))]);
    let items = all(items, Events::default());
    let alive = items.iter().filter(|item| matches!(item, Ok(ModelEvent::Alive))).count();
    // The counts; the ping, the thought's block, the thought and its signature; then the end that
    // is missing.
    assert_eq!((alive, items.len()), (4, 6));
}

#[test]
fn an_error_event_ends_the_stream_with_its_meaning() {
    let event = |kind: &str| {
        let error = format!(
            "event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":{kind:?}}}}}\n\n"
        );
        claude(&CLAUDE.replace("event: message_delta", &format!("{error}event: message_delta")))
    };
    let busy = ModelError::Busy { code: "overloaded_error".to_owned(), retry_after: None };
    assert_eq!(event("overloaded_error").text, TEXT);
    check_error(&event("overloaded_error"), &busy);
    check_error(
        &event("invalid_request_error"),
        &ModelError::Permanent("invalid_request_error".to_owned()),
    );
    check_error(&event("brand_new_error"), &broken("error event brand_new_error"));
    let chunk =
        "data: {\"error\":{\"type\":\"server_error\",\"code\":null,\"message\":\"secret\"}}\n\n";
    check_error(
        &openai(chunk),
        &ModelError::Busy { code: "server_error".to_owned(), retry_after: None },
    );
}

#[tokio::test]
async fn a_body_is_read_to_its_end_for_the_connections_next_call() {
    let (release, released) = tokio::sync::oneshot::channel();
    let (ended, at_end) = tokio::sync::oneshot::channel();
    let late = stream::once(async move {
        released.await.expect("it is released");
        ended.send(()).expect("somebody waits");
        Ok::<_, Infallible>(Bytes::new())
    });
    let body = stream::iter([Ok(Bytes::from(OPENAI))]).chain(late);
    let items: Vec<_> = sse::events(body, Chunks::default()).collect().await;
    assert!(
        matches!(items.last(), Some(Ok(ModelEvent::Finished(_)))),
        "the reply does not wait for it"
    );
    release.send(()).unwrap();
    at_end.await.unwrap();
}

#[test]
fn an_event_that_never_ends_is_given_up() {
    let line = format!("data: {}", "x".repeat(64 * 1024 - 6)).into_bytes();
    let outcome = decode(vec![line; 20], Events::default());
    check_error(&outcome, &broken("an event of more than 1048576 bytes"));
}

#[test]
fn many_events_together_may_be_larger_than_one_may_be() {
    let piece = OPENAI.split("\n\n").nth(2).unwrap().to_owned() + "\n\n";
    let many = piece.repeat(1 + (1 << 20) / piece.len());
    assert!(many.len() > 1 << 20);
    let text = openai(&format!("{many}{OPENAI}")).text;
    assert!(text.ends_with(TEXT) && text.len() > 40_000, "{}", text.len());
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    assert_eq!(openai(&format!("\u{feff}{OPENAI}")), openai_whole());
    assert_eq!(claude(&format!("\u{feff}{CLAUDE}")).text, TEXT);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(parts: Vec<Vec<u8>>) {
        prop_assert_eq!(decode(parts.clone(), Events::default()).finish, None);
        prop_assert_eq!(decode(parts, Chunks::default()).finish, None);
    }

    #[test]
    fn arbitrary_events_never_panic(events in prop::collection::vec("(event|data|id|): \
        ?[\\PC\n]{0,40}\n\n?", 0..20)) {
        let body = events.concat();
        claude(&body);
        openai(&body);
    }

    #[test]
    fn arbitrary_fields_never_panic(cut in 0..CLAUDE.len(), junk in "[\\[\\]{}\",:0-9a-z]{0,6}") {
        let at = CLAUDE.floor_char_boundary(cut);
        claude(&format!("{}{junk}{}", &CLAUDE[..at], &CLAUDE[at..]));
        let at = OPENAI.floor_char_boundary(cut);
        openai(&format!("{}{junk}{}", &OPENAI[..at], &OPENAI[at..]));
    }
}
