//! Somebody else's session looks exactly as if it were not there.

use std::time::Duration;

use bytes::Bytes;
use client::account::CallError;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use shared::domain::TurnKind;
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::sleep;

/// Every call on a session, with the method, what follows the session's id, and the body.
fn calls() -> Vec<(Method, &'static str, Value)> {
    vec![
        (Method::GET, "/turns?after=0&limit=10", Value::Null),
        (Method::POST, "/tickets", Value::Null),
        (Method::POST, "/stop", json!({ "message_id": "m1" })),
        (Method::POST, "/turns/1/feedback", json!({ "rating": "down" })),
        (Method::DELETE, "", Value::Null),
    ]
}

async fn ask(
    user: &ScenarioUser,
    session: &str,
    (method, rest, body): &(Method, &str, Value),
) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(format!("/sessions/{session}{rest}"));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    user.ask(request.header("content-type", "application/json").body(body.into()).unwrap())
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn s09_another_owners_session_and_none_are_the_same_404() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "annas").await.unwrap();
    let ben = scenario.user(2, "bens").await.unwrap();
    let tab = anna.open_tab(1);
    // One turn that is final, one that is being answered, and a session that was deleted.
    anna.say("m0").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    anna.say("m1").await.unwrap();
    anna.account.create_session(Some("gone")).await.unwrap();
    anna.account.delete("gone").await.unwrap();
    for call in calls() {
        let absent = ask(&ben, "absent", &call).await;
        assert_eq!(absent.status(), 404, "{call:?}");
        for session in ["annas", "gone", &"long".repeat(32), &"too-long".repeat(32), "%00"] {
            let answer = ask(&ben, session, &call).await;
            assert_eq!(answer.status(), absent.status(), "{session} {call:?}");
            assert_eq!(
                (answer.headers(), answer.body()),
                (absent.headers(), absent.body()),
                "{session} {call:?}"
            );
        }
    }
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    // She was not stopped, not rated, not deleted, and nobody was at her door.
    let told = anna.account.history("annas", 0, 10).await.unwrap();
    assert_eq!(
        told.turns.iter().map(|turn| turn.kind).collect::<Vec<_>>(),
        [Some(TurnKind::Reply); 2]
    );
    let mut events: Vec<_> =
        scenario.cloud.events.published().iter().map(|event| event.detail_type).collect();
    events.sort_unstable();
    assert_eq!(events, ["Chat Message", "Chat Message", "Session Deleted"]);
}

/// The id that a client chooses is its own affair: under the same one, two people have two
/// sessions.
#[tokio::test(start_paused = true)]
async fn s09_a_message_to_another_owners_session_id_begins_a_session_of_ones_own() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let ben = scenario.user(2, "lesson").await.unwrap();
    let hers = anna.open_tab(1);
    let his = ben.open_tab(2);
    assert_ne!(anna.key, ben.key);
    anna.say("m1").await.unwrap();
    assert_eq!(ben.account.history("lesson", 0, 10).await.unwrap().turns, []);
    ben.say("m1").await.unwrap();
    scenario.end(&[(&anna, &hers), (&ben, &his)]).await.unwrap();
    for (user, other) in [(&anna, &ben), (&ben, &anna)] {
        let told = user.account.history("lesson", 0, 10).await.unwrap();
        assert_eq!((told.turns.len(), &told.turns[0].message), (1, &user.message("m1").text));
        assert_ne!(told.turns[0].message, other.message("m1").text);
    }
    ben.account.delete("lesson").await.unwrap();
    assert_eq!(ben.account.history("lesson", 0, 10).await, Err(CallError::NotFound));
    assert_eq!(anna.account.history("lesson", 0, 10).await.unwrap().turns.len(), 1);
}
