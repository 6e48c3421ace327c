//! Targets and headers: paths, ids in paths, queries, and the headers that mean something.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;
use serde_json::Value;
use shared::domain::MessageId;

use super::corpus::{Seed, corpus, table};
use super::door::{Door, headers, refusal};
use super::mutations::mutants;
use super::run;
use crate::world::{World, config};

const TARGETS: &str = "tests/corpus/targets";
const HEADERS: &str = "tests/corpus/headers";

/// Asks for `METHOD target` as the session's owner, and says what came of it.
async fn ask(line: &str) -> String {
    let door = Door::open().await;
    let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return "no method".to_owned() };
    let mut headers = door.owner();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let Some(answer) = door.send(method, target, headers, b"{}").await else {
        return "no target".to_owned();
    };
    if answer.status.as_u16() >= 400 {
        return refusal(&answer);
    }
    let turns = answer.json["turns"].as_array().map(|turns| format!(" with {} turns", turns.len()));
    format!("{}{}", answer.status.as_u16(), turns.unwrap_or_default())
}

/// Posts a message with these headers, as somebody new unless they say who, and says what came of
/// it.
async fn post(lines: &[u8]) -> String {
    let mut config = config();
    config.websocket_url = None;
    let door = Door::of(World::with(config, &["a"], None)).await;
    let Some(mut headers) = headers(lines) else { return "no headers".to_owned() };
    let json = HeaderValue::from_static("application/json");
    headers.entry(CONTENT_TYPE).or_insert(json);
    let given =
        headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let answer = door.send(Method::POST, "/chat", headers, br#"{"message":"x"}"#).await.unwrap();
    if answer.status.as_u16() >= 400 {
        return refusal(&answer);
    }
    let id = answer.json["message_id"].as_str().unwrap();
    assert!(MessageId::parse(id).is_ok() && given.as_deref().is_none_or(|given| given == id));
    let [ref queued] = World::bodies(&door.world.requests).await[..] else {
        panic!("one message is queued")
    };
    let trace = queued["trace"].as_str().unwrap();
    assert!(trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit()), "{trace}");
    let known = String::from_utf8_lossy(lines).replace('-', "").contains(trace);
    let id = given.map_or("(chosen)".to_owned(), |_| id.to_owned());
    let trace = if known { trace } else { "(new)" };
    format!("{id}, trace {trace}, socket {}", answer.json["websocket"]["url"].as_str().unwrap())
}

#[test]
fn targets_of_the_corpus_come_to_this() {
    let seeds = corpus(TARGETS);
    insta::assert_snapshot!(table(
        seeds.iter().map(|seed| (seed.name.clone(), run(ask(seed.text()))))
    ));
}

#[test]
fn headers_of_the_corpus_come_to_this() {
    let seeds = corpus(HEADERS);
    insta::assert_snapshot!(table(
        seeds.into_iter().map(|Seed { name, bytes }| (name, run(post(&bytes))))
    ));
}

#[test]
fn a_refused_target_is_the_same_for_whoever_has_no_session() {
    run(async {
        let door = Door::open().await;
        let stranger = door.world.post("/sessions", &serde_json::json!({})).send().await.ok(201);
        let token = format!("Bearer {}", stranger.json["session_token"].as_str().unwrap());
        let stranger =
            HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(token).unwrap())]);
        let before = door.world.store.inner.dump();
        for seed in corpus(TARGETS) {
            let (method, target) = seed.text().split_once(' ').unwrap();
            let Ok(uri) = target.parse::<http::Uri>() else { continue };
            let ask = door.world.ask(method.parse().unwrap(), &uri.to_string());
            let ask = ask.header("authorization", stranger[AUTHORIZATION].to_str().unwrap());
            let answer = ask.header("content-type", "application/json").body("{}").send().await;
            let shown = answer
                .json
                .get("turns")
                .or_else(|| answer.json.get("websocket"))
                .unwrap_or(&Value::Null);
            assert_eq!(shown, &Value::Null, "{}", seed.name);
        }
        assert_eq!(door.world.store.inner.dump(), before);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_target_is_answered(line in mutants(&corpus(TARGETS))) {
        run(ask(&String::from_utf8_lossy(&line)));
    }

    #[test]
    fn damaged_headers_are_answered(lines in mutants(&corpus(HEADERS))) {
        run(post(&lines));
    }
}
