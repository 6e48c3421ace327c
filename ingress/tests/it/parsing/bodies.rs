//! The bodies of every call that has one.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use shared::domain::{MessageText, SessionId};
use shared::ports::store::Item;

use super::corpus::{Seed, corpus, short, table};
use super::door::{Door, refusal};
use super::mutations::{json, mutants, reshaped};
use super::run;
use crate::world::{TestResponse, World};

const CHAT: &str = "tests/corpus/chat";
const SESSIONS: &str = "tests/corpus/sessions";
const STOP: &str = "tests/corpus/stop";
const FEEDBACK: &str = "tests/corpus/feedback";

/// A call, and what it must come to if it is accepted: in words, and checked against the body.
#[derive(Clone, Copy)]
enum Call {
    Chat,
    Sessions,
    Stop,
    Feedback,
}

impl Call {
    const ALL: [(Self, &str); 4] = [
        (Self::Chat, CHAT),
        (Self::Sessions, SESSIONS),
        (Self::Stop, STOP),
        (Self::Feedback, FEEDBACK),
    ];

    fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat",
            Self::Sessions => "/sessions",
            Self::Stop => "/sessions/s/stop",
            Self::Feedback => "/sessions/s/turns/1/feedback",
        }
    }

    /// Makes the call with this body, checks all that holds for it, and says what came of it.
    async fn make(self, body: &[u8]) -> String {
        let door = Door::open().await;
        let answer = door.post(self.path(), body).await;
        let said: Option<Value> = serde_json::from_slice(body).ok().filter(Value::is_object);
        if answer.status.as_u16() >= 400 {
            check_names_the_field(&answer, said.is_some());
            return refusal(&answer);
        }
        let said = said.unwrap_or(Value::Null);
        let outcome = match self {
            Self::Chat => chat(&door, &answer, &said).await,
            Self::Sessions => session(&door, &answer, &said),
            Self::Stop => stop(&door, &said),
            Self::Feedback => feedback(&door, &said).await,
        };
        format!("{} {outcome}", answer.status.as_u16())
    }
}

/// What is wrong with an object is wrong with one of its fields; what is wrong with anything else
/// is not.
#[track_caller]
fn check_names_the_field(answer: &TestResponse, is_object: bool) {
    let names = answer.json["field"].is_string();
    assert!(matches!(answer.status.as_u16(), 400 | 409), "{}", answer.json);
    assert_eq!(names, is_object, "{}", answer.json);
}

async fn chat(door: &Door, answer: &TestResponse, said: &Value) -> String {
    let message = said["message"].as_str().unwrap();
    assert!(MessageText::parse(message).is_ok());
    let id = chosen(&said["message_id"], &answer.json["message_id"]);
    let session = chosen(&said["session_id"], &answer.json["session_id"]);
    let queued = World::bodies(&door.world.requests).await;
    if id == "m1" && session == "s" {
        // It is there already, and so soon afterwards the queue swallows a second pointer.
        assert_eq!((message, door.stored(), queued.len()), ("Question 1", vec![], 0));
        return "repeated".to_owned();
    }
    let [queued] = &queued[..] else { panic!("one message is queued") };
    assert_eq!(queued["message_id"], answer.json["message_id"]);
    let row = door.new_row("M#");
    assert_eq!(row.key.sort, format!("M#{}", answer.json["message_id"].as_str().unwrap()));
    assert_eq!(row.key.partition, queued["session_key"]);
    let wish = |name: &str, value: &Value| {
        assert_eq!(row.attributes.get(name).unwrap_or(&Value::Null), value, "{name}");
    };
    wish("message", &said["message"]);
    wish("document_id", &said["context"]["document_id"]);
    wish("provider", &said["provider"]);
    let about = |name: &str| {
        row.attributes.get(name).map(|value| format!(" {name} {value}")).unwrap_or_default()
    };
    short(&format!("{session}/{id}{}{} says {message:?}", about("document_id"), about("provider")))
}

fn session(door: &Door, answer: &TestResponse, said: &Value) -> String {
    let id = answer.json["session_id"].as_str().unwrap();
    assert!(SessionId::parse(id).is_ok());
    let new = chosen(&said["session_id"], &answer.json["session_id"]);
    if new == "s" {
        assert_eq!(door.stored(), vec![]);
    } else {
        assert_eq!(door.new_row("META").attributes["client_session_id"], id);
    }
    short(&new)
}

fn stop(door: &Door, said: &Value) -> String {
    let id = said["message_id"].as_str().unwrap();
    let changed: Vec<Item> = door.stored();
    assert!(id == "m1" || changed.is_empty(), "{changed:?}");
    assert!(changed.iter().all(|item| item.flag("cancel")), "{changed:?}");
    format!("{} changed {}", short(id), changed.len())
}

async fn feedback(door: &Door, said: &Value) -> String {
    // Ratings are counted; nothing else is stored.
    assert!(door.stored().iter().all(|item| item.key.partition.starts_with("rate#f#")));
    let [ref queued] = World::bodies(&door.world.replies).await[..] else {
        panic!("one verdict is queued")
    };
    assert_eq!(queued["rating"], said["rating"]);
    let comment = said["comment"].as_str().filter(|comment| !comment.is_empty());
    assert_eq!(queued["comment"].as_str(), comment);
    short(&format!("{} {comment:?}", queued["rating"]))
}

/// Returns the id that the caller gave, which must be the one that is answered, or says that the
/// door chose one.
#[track_caller]
fn chosen(given: &Value, answered: &Value) -> String {
    if given.is_null() {
        return "(chosen)".to_owned();
    }
    assert_eq!(given, answered);
    given.as_str().unwrap().to_owned()
}

fn outcomes(call: Call, folder: &str) -> String {
    table(corpus(folder).into_iter().map(|Seed { name, bytes }| (name, run(call.make(&bytes)))))
}

#[test]
fn messages_of_the_corpus_come_to_this() {
    insta::assert_snapshot!(outcomes(Call::Chat, CHAT));
}

#[test]
fn sessions_of_the_corpus_come_to_this() {
    insta::assert_snapshot!(outcomes(Call::Sessions, SESSIONS));
}

#[test]
fn stops_of_the_corpus_come_to_this() {
    insta::assert_snapshot!(outcomes(Call::Stop, STOP));
}

#[test]
fn feedback_of_the_corpus_comes_to_this() {
    insta::assert_snapshot!(outcomes(Call::Feedback, FEEDBACK));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_body_is_refused_or_means_what_it_says(
        chat in mutants(&corpus(CHAT)),
        sessions in mutants(&corpus(SESSIONS)),
        stop in mutants(&corpus(STOP)),
        feedback in mutants(&corpus(FEEDBACK)),
    ) {
        for ((call, _), body) in Call::ALL.into_iter().zip([chat, sessions, stop, feedback]) {
            run(call.make(&body));
        }
    }

    #[test]
    fn a_body_of_another_shape_is_refused_or_means_what_it_says(
        chat in reshaped(&corpus(CHAT)),
        sessions in reshaped(&corpus(SESSIONS)),
        stop in reshaped(&corpus(STOP)),
        feedback in reshaped(&corpus(FEEDBACK)),
    ) {
        for ((call, _), body) in Call::ALL.into_iter().zip([chat, sessions, stop, feedback]) {
            run(call.make(body.as_bytes()));
        }
    }

    #[test]
    fn any_json_and_any_bytes_are_refused_or_mean_what_they_say(value in json(), bytes in vec(any::<u8>(), 0..200)) {
        for (call, _) in Call::ALL {
            run(call.make(value.to_string().as_bytes()));
            run(call.make(&bytes));
        }
    }
}
