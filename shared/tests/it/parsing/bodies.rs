//! The bodies of both queues.

use std::error::Error;
use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use shared::queue_messages::{BodyError, ReplyMessage, RequestMessage, VERSION};

use super::corpus::{corpus, short, table};
use super::mutations::{json, mutants, reshaped};

const REQUESTS: &str = "tests/corpus/requests";
const REPLIES: &str = "tests/corpus/replies";

fn outcome(result: &Result<impl Debug, BodyError>) -> String {
    match result {
        Ok(message) => short(&format!("{message:?}")),
        Err(error) => format!("refused: {}", chain(error)),
    }
}

fn chain(error: &BodyError) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Checks what holds for every body: a message is read as what it says, and anything else is
/// refused in words.
fn check<Message: PartialEq + Debug>(
    body: &str,
    parse: impl Fn(&str) -> Result<Message, BodyError>,
    write: impl Fn(&Message) -> String,
    kinds: &[&str],
) {
    match parse(body) {
        Ok(message) => {
            let said: Value = serde_json::from_str(body).unwrap();
            assert_eq!(said["v"], VERSION);
            assert!(said["type"].as_str().is_some_and(|kind| kinds.contains(&kind)), "{body}");
            let written = write(&message);
            assert_eq!(parse(&written).unwrap(), message);
            check_nothing_is_made_up(&serde_json::from_str(&written).unwrap(), &said);
        }
        Err(BodyError::Version(version)) => assert_ne!(version, VERSION),
        Err(error @ BodyError::Malformed(_)) => {
            assert!(chain(&error).len() > "the queue message is malformed: ".len());
        }
    }
}

/// Checks that a message holds nothing but what its body said.
fn check_nothing_is_made_up(written: &Value, said: &Value) {
    for (name, value) in written.as_object().unwrap() {
        assert_eq!(Some(value), said.get(name), "{name}");
    }
}

fn check_request(body: &str) {
    check(body, RequestMessage::parse, RequestMessage::to_body, &["message", "submit"]);
}

fn check_reply(body: &str) {
    check(body, ReplyMessage::parse, ReplyMessage::to_body, &["final", "feedback", "deleted"]);
}

/// Replaces every text in a body by one that must not be seen in an error.
fn with_secrets(value: &mut Value) {
    match value {
        Value::String(text) => *text = format!("SECRET\", expected \"SECRET {text}"),
        Value::Array(values) => values.iter_mut().for_each(with_secrets),
        Value::Object(fields) => fields.values_mut().for_each(with_secrets),
        _ => {}
    }
}

fn check_discreet(body: &str) {
    for result in [RequestMessage::parse(body).map(|_| ()), ReplyMessage::parse(body).map(|_| ())] {
        let Err(error) = result else { continue };
        assert!(
            !chain(&error).contains("SECRET") && !format!("{error:?}").contains("SECRET"),
            "{error:?}"
        );
    }
}

#[test]
fn no_error_quotes_a_text_of_the_body() {
    for seed in corpus(REQUESTS).into_iter().chain(corpus(REPLIES)) {
        let Ok(mut value) = serde_json::from_str::<Value>(seed.text()) else { continue };
        let places: Vec<String> =
            value.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
        for place in places {
            let mut one = value.clone();
            one[&place] = Value::from("SECRET, expected `SECRET` at line 1");
            check_discreet(&one.to_string());
        }
        with_secrets(&mut value);
        check_discreet(&value.to_string());
        check_discreet(&Value::from(value.to_string()).to_string());
    }
}

#[test]
fn requests_of_the_corpus_mean_this() {
    let seeds = corpus(REQUESTS);
    for seed in &seeds {
        check_request(seed.text());
    }
    let outcomes =
        seeds.iter().map(|seed| (seed.name.clone(), outcome(&RequestMessage::parse(seed.text()))));
    insta::assert_snapshot!(table(outcomes));
}

#[test]
fn replies_of_the_corpus_mean_this() {
    let seeds = corpus(REPLIES);
    for seed in &seeds {
        check_reply(seed.text());
    }
    let outcomes =
        seeds.iter().map(|seed| (seed.name.clone(), outcome(&ReplyMessage::parse(seed.text()))));
    insta::assert_snapshot!(table(outcomes));
}

#[test]
fn no_message_of_one_queue_is_taken_for_one_of_the_other() {
    for seed in corpus(REPLIES) {
        assert!(RequestMessage::parse(seed.text()).is_err(), "{}", seed.name);
    }
    for seed in corpus(REQUESTS) {
        assert!(ReplyMessage::parse(seed.text()).is_err(), "{}", seed.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_request_is_refused_or_means_what_it_says(body in mutants(&corpus(REQUESTS))) {
        check_request(&String::from_utf8_lossy(&body));
    }

    #[test]
    fn a_request_of_another_shape_is_refused_or_means_what_it_says(body in reshaped(&corpus(REQUESTS))) {
        check_request(&body);
    }

    #[test]
    fn a_damaged_reply_is_refused_or_means_what_it_says(body in mutants(&corpus(REPLIES))) {
        check_reply(&String::from_utf8_lossy(&body));
    }

    #[test]
    fn a_reply_of_another_shape_is_refused_or_means_what_it_says(body in reshaped(&corpus(REPLIES))) {
        check_reply(&body);
    }

    #[test]
    fn anything_else_is_no_message(value in json(), bytes in vec(any::<u8>(), 0..200)) {
        for body in [value.to_string(), String::from_utf8_lossy(&bytes).into_owned()] {
            check_request(&body);
            check_reply(&body);
        }
    }
}
