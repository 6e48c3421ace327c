//! What servers other than the makers' own send, and signs of life.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use shared::ports::ModelEvent;

use super::super::claude::Events;
use super::super::openai::Chunks;
use super::super::sse;
use super::decode;

/// The data of one event.
fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

#[test]
fn what_compatible_servers_make_of_a_chunk_is_read() {
    let chunk = |delta: &str| event(&format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#));
    let end = |reason: &str, usage: &str| {
        let choice = format!(r#"{{"delta":{{}},"finish_reason":"{reason}"}}"#);
        event(&format!(r#"{{"choices":[{choice}],"usage":{usage}}}"#)) + &event("[DONE]")
    };
    let stop = || end("stop", "null");
    let parts =
        r#"{"content":[{"type":"thinking","thinking":"Hm."},{"type":"text","text":"Four"}]}"#;
    let empty_reason = event(r#"{"choices":[{"delta":{"content":"Four."},"finish_reason":""}]}"#);
    let cases = [
        ("content in parts", chunk(parts) + &chunk(r#"{"content":"."}"#) + &stop(), Ok("Four.")),
        ("half a character", chunk(r#"{"content":"Well \ud83d"}"#) + &stop(), Ok("Well \u{fffd}")),
        (
            "counts",
            chunk(r#"{"content":"Four."}"#)
                + &end(
                    "stop",
                    r#"{"prompt_tokens":11.0,"completion_tokens":-35,"prompt_tokens_details":[]}"#,
                ),
            Ok("Four."),
        ),
        (
            "a usage that is none",
            chunk(r#"{"content":"Four."}"#) + &end("stop", r#""many""#),
            Ok("Four."),
        ),
        (
            "thinking in the text",
            chunk(r#"{"content":"<thi"}"#)
                + &chunk(r#"{"content":"nk>Hm.</think>\nFour."}"#)
                + &stop(),
            Ok("Four."),
        ),
        (
            "thinking in its field",
            chunk(r#"{"reasoning_content":"Hm."}"#) + &chunk(r#"{"content":"Four."}"#) + &stop(),
            Ok("Four."),
        ),
        (
            "an empty reason, then the end of the body",
            empty_reason.clone(),
            Err("the stream ended without its end mark"),
        ),
        ("an empty reason, then a reason", empty_reason + &stop(), Ok("Four.")),
        (
            "an interrupted reply",
            chunk(r#"{"content":"Fo"}"#) + &end("insufficient_system_resource", "null"),
            Err("insufficient_system_resource"),
        ),
        (
            "an error as a reason",
            chunk(r#"{"content":"Fo"}"#) + &end("error", "null"),
            Err("broke off: error"),
        ),
    ];
    for (name, body, expected) in cases {
        for size in [1, 7, body.len()] {
            let parts = body.as_bytes().chunks(size).map(<[u8]>::to_vec);
            let outcome = decode(parts, Chunks::default());
            match expected {
                Ok(text) => {
                    assert_eq!((outcome.text.as_str(), &outcome.error), (text, &None), "{name}");
                }
                Err(error) => {
                    let found = outcome.error.unwrap_or_default();
                    assert!(found.contains(error), "{name}: {found}");
                }
            }
        }
    }
}

#[test]
fn odd_counts_of_claude_do_not_fail_its_reply() {
    let body = [
        r#"{"type":"message_start","message":{"model":"m","usage":{"input_tokens":11.0}}}"#,
        r#"{"type":"content_block_start","content_block":{"type":"thinking","thinking":""}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"Four \ud83d."}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":[]}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let body: String = body.into_iter().map(event).collect();
    let outcome = decode([body.into_bytes()], Events::default());
    assert_eq!((outcome.text.as_str(), outcome.error), ("Four \u{fffd}.", None));
    assert_eq!(outcome.usage.map(|usage| usage.input_tokens), Some(11));
}

#[tokio::test(start_paused = true)]
async fn all_bytes_of_a_stream_are_signs_of_life() {
    let thinking = event(r#"{"choices":[{"delta":{"reasoning_content":"Hm."}}]}"#);
    let unknown = event(r#"{"type":"ping"}"#);
    let reply = event(r#"{"choices":[{"delta":{"content":"Four."},"finish_reason":"stop"}]}"#);
    let parts = [
        ": still working\n\n".to_owned(),
        ": ".to_owned(),
        "…\n\n".to_owned(),
        thinking,
        unknown,
        reply,
    ];
    let body = stream::iter(parts).then(|part| async move {
        tokio::time::sleep(Duration::from_secs(9)).await;
        Ok::<_, Infallible>(Bytes::from(part))
    });
    let mut events = sse::events(body, Chunks::default());
    let mut seen = Vec::new();
    let pause = Duration::from_secs(10);
    while let Some(event) = tokio::time::timeout(pause, events.next()).await.expect("no silence") {
        seen.push(event.expect("an event"));
    }
    let alive = seen.iter().filter(|event| **event == ModelEvent::Alive).count();
    assert_eq!(alive, 5, "{seen:?}");
    assert!(matches!(seen.last(), Some(ModelEvent::Finished(_))), "{seen:?}");
}

#[test]
fn calls_are_put_together_whatever_a_compatible_server_makes_of_them() {
    let deltas = |deltas: &[&str]| {
        let chunk =
            |delta| event(&format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{delta}]}}}}]}}"#));
        deltas.iter().map(chunk).collect::<String>()
    };
    let end = |reason: &str| {
        event(&format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#))
            + &event("[DONE]")
    };
    let whole = event(
        r#"{"choices":[{"delta":{"content":"Well.","tool_calls":[
            {"index":0,"id":"a","function":{"name":"x","arguments":"{\"n\":1}"}},
            {"index":0,"id":"b","function":{"name":"y","arguments":"{}"}}]},
            "finish_reason":"tool_calls"}]}"#
            .replace('\n', "")
            .as_str(),
    ) + &event("[DONE]");
    let numbered = [
        r#"{"index":0,"id":"a","function":{"name":"x","arguments":""}}"#,
        r#"{"index":1,"id":"b","function":{"name":"y","arguments":"{"}}"#,
        r#"{"index":0,"function":{"arguments":"{\"n\":1}"}}"#,
        r#"{"index":1,"id":"b","function":{"name":"y","arguments":"}"}}"#,
    ];
    let unnumbered = [
        r#"{"id":"a","function":{"name":"x","arguments":"{\"n\""}}"#,
        r#"{"function":{"arguments":":1}"}}"#,
        r#"{"id":"b","function":{"name":"y"}}"#,
    ];
    let nameless = [
        r#"{"function":{"name":"x","arguments":{"n":1}}}"#,
        r#"{"function":{"name":"y","arguments":null}}"#,
    ];
    let repeated = [
        r#"{"index":0,"id":"","function":{"name":"x","arguments":"{\"n\""}}"#,
        r#"{"index":0,"id":"","function":{"name":"x","arguments":":1}"}}"#,
        r#"{"index":0,"id":"","function":{"name":"y","arguments":"{}"}}"#,
    ];
    let cases = [
        ("whole calls in one chunk, both numbered 0", whole),
        ("numbered pieces in turn", deltas(&numbered) + &end("tool_calls")),
        ("no numbers, and `stop`", deltas(&unnumbered) + &end("stop")),
        ("objects for text, no ids, the old reason", deltas(&nameless) + &end("function_call")),
        ("names repeated, number 0 for all", deltas(&repeated) + &end("tool_calls")),
    ];
    for (name, body) in cases {
        let (calls, error) = called(&body, Chunks::offered());
        let expected = [("x", r#"{"n":1}"#), ("y", "{}")].map(|(a, b)| (a.into(), b.into()));
        assert_eq!((calls, error), (expected.to_vec(), None), "{name}");
    }
    let bad = [
        ("no JSON object", deltas(&[r#"{"index":0,"function":{"name":"x","arguments":"[1]"}}"#])),
        ("without a name", deltas(&[r#"{"index":0,"function":{"arguments":"{}"}}"#])),
        ("more tool calls", (0..65).map(|n| deltas(&[&format!(r#"{{"id":"{n}"}}"#)])).collect()),
    ];
    for (problem, body) in bad {
        let (calls, error) = called(&(body + &end("tool_calls")), Chunks::offered());
        assert!(
            calls.is_empty() && error.is_some_and(|error| error.contains(problem)),
            "{problem}"
        );
    }
}

/// Returns the calls of a body as names and arguments, and how it failed.
fn called(body: &str, decoder: Chunks) -> (Vec<(String, String)>, Option<String>) {
    let mut calls = Vec::new();
    for item in
        super::all(stream::iter([Ok::<_, Infallible>(Bytes::from(body.to_owned()))]), decoder)
    {
        match item {
            Ok(ModelEvent::ToolCall(call)) => calls.push((call.name, call.arguments)),
            Ok(_) => (),
            Err(error) => return (calls, Some(error.to_string())),
        }
    }
    (calls, None)
}
