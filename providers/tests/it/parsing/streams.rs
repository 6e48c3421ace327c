//! The streams of both protocols: cut anywhere, in any pieces, with anything in between.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use shared::ports::{Finish, ModelEvent};
use testkit::stub_provider::Protocol;

use super::corpus::{Seed, corpus, short, table};
use super::mutations::{json, mutants};
use super::wire::{Heard, Reply, Wire};

const BOTH: [(Protocol, &str, &str); 2] = [
    (Protocol::Claude, "tests/corpus/claude", "tests/recorded/claude.sse"),
    (Protocol::OpenAi, "tests/corpus/openai", "tests/recorded/openai.sse"),
];

const RECORDED: &str = "recorded.sse";
/// The shortest whole stream of each protocol, with text of several bytes a character.
const SMALL: &str = "small.sse";

thread_local! {
    /// Making a client takes longer than a hundred calls.
    static WIRES: [Wire; 2] = BOTH.map(|(protocol, ..)| Wire::new(protocol));
}

/// Does something with both protocols: with a wire, the protocol and its streams.
fn with_both(mut each: impl FnMut(&Wire, Protocol, &[Seed])) {
    WIRES.with(|wires| {
        for ((protocol, folder, recorded), wire) in BOTH.into_iter().zip(wires) {
            each(wire, protocol, &seeds(folder, recorded));
        }
    });
}

/// All streams of a protocol's corpus, and the recorded one; their last line end is part of them.
fn seeds(folder: &str, recorded: &str) -> Vec<Seed> {
    let mut seeds = corpus(folder);
    for seed in &mut seeds {
        seed.bytes.push(b'\n');
    }
    seeds.push(Seed { name: RECORDED.to_owned(), bytes: std::fs::read(recorded).unwrap() });
    seeds
}

fn named(seeds: &[Seed], name: &str) -> Vec<u8> {
    seeds.iter().find(|seed| seed.name == name).unwrap().bytes.clone()
}

fn outcome(heard: &Heard) -> String {
    let end = match (heard.events.last(), &heard.error) {
        (Some(ModelEvent::Finished(Finish { reason, model })), None) => {
            format!("{reason} by {model:?}")
        }
        (_, Some(error)) => format!("failed: {error}"),
        _ => unreachable!("a stream ends"),
    };
    let usage = heard.events.iter().rev().find_map(|event| match event {
        ModelEvent::Usage(usage) => {
            let input = usage.input_tokens;
            let output = usage.output_tokens;
            Some(format!(
                ", {input} ({} cached, {} written) + {output}",
                usage.cached_input_tokens, usage.cache_write_tokens
            ))
        }
        _ => None,
    });
    short(&format!("{:?}, {end}{}", heard.text(), usage.unwrap_or_default()))
}

/// Checks that a part of a stream says the beginning of what the whole says, and then fails.
///
/// The one exception is documented: `OpenAI`'s stream may end properly after its finish reason,
/// without `[DONE]`.
#[track_caller]
fn check_prefix(part: &Heard, whole: &Heard, may_end: bool) {
    if part.is_finished() {
        assert!(may_end, "{part:?}");
        assert_eq!((part.text(), part.events.last()), (whole.text(), whole.events.last()));
        return;
    }
    assert!(part.error.as_ref().is_some_and(|error| error.contains("broke off")), "{part:?}");
    assert!(
        whole.events.starts_with(&part.events) && part.events.len() < whole.events.len(),
        "{part:?}"
    );
}

#[test]
fn streams_of_the_corpus_come_to_this() {
    with_both(|wire, protocol, seeds| {
        let outcomes =
            seeds.iter().map(|seed| (seed.name.clone(), outcome(&wire.whole(&seed.bytes))));
        insta::assert_snapshot!(format!("{protocol:?}"), table(outcomes));
    });
}

#[test]
fn a_body_that_is_no_stream_is_a_reply_or_says_what_it_is() {
    let openai =
        r#"{"model":"m","choices":[{"message":{"content":"Four."},"finish_reason":"stop"}]}"#;
    let claude = r#"{"model":"m","stop_reason":"end_turn","usage":{},
        "content":[{"type":"text","text":"Four."}]}"#;
    let error = r#"{"error":{"type":"authentication_error","message":"the key sk-1 is wrong"}}"#;
    with_both(|wire, protocol, _| {
        let json = Some("application/json; charset=utf-8");
        let hear = |body: &str, media_type| {
            let chunks = vec![body.as_bytes().to_vec()];
            wire.hear(&Reply { status: 200, chunks, media_type, ..Reply::default() })
        };
        let whole = hear(if protocol == Protocol::OpenAi { openai } else { claude }, json);
        assert_eq!((whole.text().as_str(), whole.is_finished()), ("Four.", true), "{whole:?}");
        let refused = hear(error, json).error.unwrap();
        assert_eq!(refused, "the provider refused the key (authentication_error)");
        let page = hear("<html>Sign in</html>", Some("text/html")).error.unwrap();
        assert!(page.contains("is the base URL right?"), "{page}");
        let nothing = hear("{", json).error.unwrap();
        assert!(nothing.contains("a reply that cannot be read"), "{nothing}");
    });
}

#[test]
fn the_pieces_of_a_body_arrive_one_by_one() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pieces =
        runtime.block_on(super::wire::pieces(&[b"da".to_vec(), b"ta".to_vec(), b":".to_vec()]));
    assert_eq!(pieces, ["da", "ta", ":"], "or no test here cuts anything");
}

#[test]
fn a_stream_cut_at_any_byte_is_a_beginning_and_then_a_failure() {
    with_both(|wire, protocol, seeds| {
        let stream = named(seeds, RECORDED);
        let whole = wire.whole(&stream);
        assert!(whole.is_finished());
        for cut in 0..last_event(&stream) {
            let part = wire.whole(&stream[..cut]);
            check_prefix(
                &part,
                &whole,
                protocol == Protocol::OpenAi && has_finish_reason(&stream[..cut]),
            );
        }
    });
}

#[test]
fn a_connection_that_dies_at_any_byte_is_never_an_end() {
    with_both(|wire, _, seeds| {
        let stream = named(seeds, SMALL);
        let whole = wire.whole(&stream);
        for cut in 0..last_event(&stream) {
            let part = Reply {
                status: 200,
                chunks: vec![stream[..cut].to_vec()],
                dies: true,
                ..Reply::default()
            };
            check_prefix(&wire.hear(&part), &whole, false);
        }
    });
}

#[test]
fn a_stream_in_two_pieces_is_the_same_stream() {
    with_both(|wire, _, seeds| {
        for stream in [RECORDED, "byte-order-mark.sse"].map(|name| named(seeds, name)) {
            let whole = wire.whole(&stream);
            for cut in 1..stream.len() {
                let pieces = vec![stream[..cut].to_vec(), stream[cut..].to_vec()];
                assert_eq!(wire.chunked(pieces), whole, "cut at {cut}");
            }
        }
    });
}

#[test]
fn every_stream_of_the_corpus_is_the_same_in_pieces_of_any_size() {
    with_both(|wire, _, seeds| {
        for seed in seeds {
            let whole = wire.whole(&seed.bytes);
            for size in [1, 7] {
                let pieces = seed.bytes.chunks(size).map(<[u8]>::to_vec).collect();
                assert_eq!(wire.chunked(pieces), whole, "{} in pieces of {size}", seed.name);
            }
        }
    });
}

/// Returns where the event that ends the stream begins to be whole: behind its line, the empty line
/// is what ends it.
fn last_event(stream: &[u8]) -> usize {
    stream.trim_ascii_end().len() + 1
}

/// Tells whether the event that holds `OpenAI`'s finish reason is whole.
fn has_finish_reason(stream: &[u8]) -> bool {
    let text = String::from_utf8_lossy(stream);
    text.split_once("\"finish_reason\":\"stop\"").is_some_and(|(_, rest)| rest.contains("\n\n"))
}

/// Puts lines between the events of the recorded stream.
fn with_lines(seeds: &[Seed], place: Index, lines: &str) -> Vec<u8> {
    let stream = String::from_utf8(named(seeds, RECORDED)).unwrap();
    let ends: Vec<usize> = stream.match_indices("\n\n").map(|(at, _)| at + 2).collect();
    let at = ends[place.index(ends.len() - 1)];
    [&stream[..at], lines, &stream[at..]].concat().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_stream_in_any_pieces_is_the_same_stream(cuts in vec(any::<Index>(), 1..40), which: Index) {
        with_both(|wire, _, seeds| {
            let stream = &which.get(seeds).bytes;
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| stream[cut[0]..cut[1]].to_vec()).collect();
            assert_eq!(wire.chunked(pieces), wire.whole(stream));
        });
    }

    #[test]
    fn a_damaged_stream_comes_to_the_same_however_it_is_cut(
        claude in mutants(&seeds(BOTH[0].1, BOTH[0].2)),
        openai in mutants(&seeds(BOTH[1].1, BOTH[1].2)),
        size in 1_usize..200,
    ) {
        with_both(|wire, protocol, _| {
            let stream = if protocol == Protocol::Claude { &claude } else { &openai };
            let whole = wire.whole(stream);
            let pieces = wire.chunked(stream.chunks(size).map(<[u8]>::to_vec).collect());
            assert_eq!(pieces, whole);
        });
    }

    #[test]
    fn lines_that_mean_nothing_change_nothing(place: Index, comment in "[ -~]{0,40}") {
        let fields = [format!(":{comment}\n"), format!("x-{comment}\n"), format!("event: \
            {comment}\n\n"), "\n\n\n".into()];
        with_both(|wire, _, seeds| {
            let whole = wire.whole(&named(seeds, RECORDED));
            for lines in &fields {
                assert_eq!(wire.whole(&with_lines(seeds, place, lines)), whole, "{lines}");
            }
        });
    }

    #[test]
    fn garbage_between_events_is_a_failure_after_what_came_before(
        place: Index,
        garbage in "[a-zA-Z<\\[\"][ -~]{0,40}",
    ) {
        let is_json = serde_json::from_str::<serde_json::Value>(&garbage).is_ok();
        prop_assume!(!is_json && garbage.trim() != "[DONE]");
        with_both(|wire, _, seeds| {
            let whole = wire.whole(&named(seeds, RECORDED));
            let part = wire.whole(&with_lines(seeds, place, &format!("data: {garbage}\n\n")));
            check_prefix(&part, &whole, false);
        });
    }

    #[test]
    fn any_json_between_events_is_passed_over_or_a_failure(place: Index, value in json()) {
        with_both(|wire, _, seeds| {
            let whole = wire.whole(&named(seeds, RECORDED));
            let part = wire.whole(&with_lines(seeds, place, &format!("data: {value}\n\n")));
            assert!(whole.text().starts_with(&part.text()), "{part:?}");
            assert!(part.error.is_some() || part.text() == whole.text(), "{part:?}");
        });
    }

    #[test]
    fn any_error_body_is_a_failure_in_few_words(
        body in vec(any::<u8>(), 0..300),
        value in json(),
        status in 300_u16..600,
    ) {
        with_both(|wire, _, _| {
            for body in [body.clone(), format!("{{\"error\":{value}}}").into_bytes()] {
                let heard = wire.hear(&Reply { status, chunks: vec![body], ..Reply::default() });
                assert!(heard.events.is_empty());
                assert!(heard.error.is_some_and(|error| error.len() < 200));
            }
        });
    }
}
