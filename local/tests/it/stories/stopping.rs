//! Stop and delete.

use std::time::Duration;

use serde_json::json;
use testkit::stub_provider::{Behaviour, Reply, StubProvider};

use crate::support::{Chatter, Setup, TestServer, in_time, provider};

#[tokio::test]
async fn a_stop_while_the_answer_streams_keeps_what_was_shown_and_lets_the_provider_go() {
    let stub = provider(Behaviour::HangMidStream { after: 5 }).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let id = ann.say("Tell me a long story").await;
    let shown = ann.text_of(&id, 20).await;
    ann.stop(&id).await.expect(202);
    let answer = ann.final_of(&id).await;
    assert_eq!((answer.kind.as_str(), answer.finish_reason.as_str()), ("cancelled", "cancelled"));
    assert!(answer.text.starts_with(&shown), "{:?} was shown, {:?} is kept", shown, answer.text);
    in_time(stub.until(|seen| seen.abandoned == 1)).await;
    assert_eq!(stub.calls().len(), 1);
    let stored = &ann.turns().await[0];
    assert_eq!((&stored["kind"], &stored["text"]), (&json!("cancelled"), &json!(answer.text)));
}

#[tokio::test]
async fn a_message_that_was_stopped_before_its_turn_is_never_asked() {
    let stub = provider(Behaviour::Echo).await;
    stub.script([Behaviour::HangMidStream { after: 1 }]);
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let first = ann.say("First").await;
    let second = ann.say("Second").await;
    in_time(stub.until(|seen| seen.calls == 1)).await;
    ann.stop(&second).await.expect(202);
    ann.stop(&first).await.expect(202);
    let answer = ann.final_of(&second).await;
    assert_eq!((answer.turn, answer.kind.as_str(), answer.text.as_str()), (2, "cancelled", ""));
    assert_eq!(ann.ask("Third").await.text, "Third");
    assert_eq!(stub.calls().len(), 2, "the second message was never sent");
}

#[tokio::test]
async fn a_stop_after_the_end_changes_nothing() {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let answer = ann.ask("Hello").await;
    let before = ann.turns().await;
    ann.stop(&answer.message_id).await.expect(202);
    ann.stop("never-sent").await.expect(202);
    assert_eq!(ann.turns().await, before);
    let mut tab = ann.another_tab().await;
    assert_eq!(tab.final_of(&answer.message_id).await.kind, "reply");
}

#[tokio::test]
async fn a_stop_while_a_retry_is_waited_for_ends_the_wait() {
    let failure = testkit::stub_provider::Failure::new(429).retry_after(60);
    let stub = provider(Behaviour::Status(failure)).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let id = ann.say("Hello").await;
    in_time(stub.until(|seen| seen.calls == 1)).await;
    ann.stop(&id).await.expect(202);
    assert_eq!(ann.final_of(&id).await.kind, "cancelled");
    assert_eq!(stub.calls().len(), 1);
}

fn five_seconds_long() -> Behaviour {
    Behaviour::Reply(Reply::words(100).paced(Duration::from_millis(50)))
}

/// Deletes a session while it is answered; returns its id.
async fn deleted_while_answered(stub: &StubProvider, server: &TestServer) -> String {
    let mut ann = Chatter::join(server).await;
    let id = ann.say("Remember the canary").await;
    ann.text_of(&id, 10).await;
    let path = format!("/sessions/{}", ann.session);
    let again = json!({ "message": "Hello" });
    assert_eq!(ann.http.delete(&path).await.status, 204);
    assert_eq!(ann.http.get(&ann.path("turns")).await.problem(404)["status"], 404);
    assert_eq!(ann.chat(again).await.status, 404, "the id is not to be used again");
    ann.until(|view| view.gone).await;
    in_time(stub.until(|seen| seen.abandoned == 1)).await;
    assert_eq!(ann.http.delete(&path).await.status, 204, "once more is as good");
    ann.session
}

#[tokio::test]
async fn deleting_a_session_while_it_is_answered_ends_it_for_everybody() {
    let stub = provider(five_seconds_long()).await;
    let server = Setup::claude(&stub).start().await;
    deleted_while_answered(&stub, &server).await;
}

#[tokio::test]
async fn deleting_a_session_while_it_is_answered_leaves_nothing_of_it() {
    let stub = provider(five_seconds_long()).await;
    let server = Setup::claude(&stub).start().await;
    let session = deleted_while_answered(&stub, &server).await;
    let stopped = server.stop().await;
    let left: Vec<String> = rows(&stopped.database(), "SELECT sort || attributes FROM items");
    let own: Vec<_> =
        left.iter().filter(|row| row.starts_with("META") || row.contains("canary")).collect();
    let [tombstone] = own.as_slice() else { panic!("{own:?}") };
    assert!(tombstone.contains("\"deleted\":true") && !tombstone.contains(&session), "{tombstone}");
    let queued: Vec<String> = rows(&stopped.database(), "SELECT body FROM messages");
    assert!(queued.iter().all(|body| !body.contains("canary")), "{queued:?}");
    let events: Vec<String> = rows(&stopped.database(), "SELECT detail_type FROM events");
    assert_eq!(events, ["Session Deleted"]);
}

fn rows(database: &rusqlite::Connection, query: &str) -> Vec<String> {
    let mut statement = database.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
