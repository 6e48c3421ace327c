//! What a client sends over its socket.

use proptest::prelude::*;
use serde_json::Value;
use shared::domain::ConnectionId;
use shared::memory::ConnectionState;

use super::corpus::{Seed, corpus, table};
use super::door::Door;
use super::mutations::{json, mutants, reshaped};
use super::run;

const CORPUS: &str = "tests/corpus/frames";

/// Sends a frame on a new connection, checks all that holds for it, and says how it was answered.
async fn send(frame: &str) -> String {
    let door = Door::open().await;
    let connection = ConnectionId::new("c");
    let session = door.world.connect(&door.token).await;
    let before = door.world.store.inner.dump();
    let frames = door.world.frame(&connection, &session, frame).await;
    assert_eq!(
        door.world.push.state(&connection),
        ConnectionState::Open,
        "a frame closes no connection"
    );
    let value = &frames[0]["value"];
    if let Some(after) = after(frame) {
        assert_eq!(frames[0]["name"], "chat.resumed");
        assert_eq!((&value["first"], &value["next"]), (&Value::from(1), &Value::from(2)));
        let finals = usize::from(after == 0);
        assert_eq!(frames.len(), 1 + finals, "the turns after {after}");
        return format!("resumed, and {finals} final");
    }
    assert_eq!((&frames[0]["name"], frames.len()), (&Value::from("chat.error"), 1));
    assert_eq!(value["code"], "malformed_frame");
    assert_eq!(door.world.store.inner.dump(), before, "a malformed frame writes nothing");
    let field = value["field"].as_str().map(|field| format!("{field}: ")).unwrap_or_default();
    format!("{field}{}", value["message"].as_str().unwrap())
}

/// Reads the cursor of a `resume`, by the contract and not by the code.
fn after(frame: &str) -> Option<u64> {
    let value: Value = serde_json::from_str(frame).ok()?;
    (value["type"] == "resume").then(|| value["after"].as_u64()).flatten()
}

#[test]
fn frames_of_the_corpus_come_to_this() {
    let seeds = corpus(CORPUS);
    let outcome =
        |seed: &Seed| (seed.name.clone(), run(send(&String::from_utf8_lossy(&seed.bytes))));
    insta::assert_snapshot!(table(seeds.iter().map(outcome)));
}

#[test]
fn a_malformed_frame_does_not_end_what_follows_it() {
    run(async {
        let door = Door::open().await;
        let connection = ConnectionId::new("c");
        let session = door.world.connect(&door.token).await;
        for seed in corpus(CORPUS) {
            door.world.frame(&connection, &session, &String::from_utf8_lossy(&seed.bytes)).await;
        }
        let frames = door.world.resume(&connection, &session, 0).await;
        assert_eq!(
            (&frames[0]["name"], &frames[1]["type"]),
            (&"chat.resumed".into(), &"RUN_FINISHED".into())
        );
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_frame_is_answered_as_what_it_is(frame in mutants(&corpus(CORPUS))) {
        run(send(&String::from_utf8_lossy(&frame)));
    }

    #[test]
    fn a_frame_of_another_shape_is_answered_as_what_it_is(frame in reshaped(&corpus(CORPUS)), value in json()) {
        run(send(&frame));
        run(send(&value.to_string()));
    }
}
