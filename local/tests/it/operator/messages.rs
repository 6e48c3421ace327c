//! Messages through the queue, and a replay of them.

use serde_json::json;
use testkit::stub_provider::{Behaviour, Reply};

use super::{answered, operator, submit};
use crate::support::{Chatter, Setup, provider};

#[tokio::test]
async fn a_message_through_the_queue_is_answered_in_a_session_of_the_operators_and_marked() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).start().await;
    let http = operator(&server);
    let sent = submit(&http, json!({ "message_id": "m1", "message": "How many pupils?" })).await;
    let turn = answered(&http, &sent).await;
    assert_eq!(
        (&turn["kind"], &turn["turn"], &turn["message"]),
        (&json!("reply"), &json!(1), &json!("How many pupils?"))
    );
    let session = http
        .get(&format!("/admin/api/sessions/{}", sent["session_key"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!((&session["principal"], &session["session_id"]), (&json!("op:ann"), &json!("s1")));
    let events = http.get("/admin/api/events?after=0&wait_ms=5000").await.expect(200);
    assert_eq!(events["events"][0]["detail"]["synthetic"], true, "{events}");
}

#[tokio::test]
async fn the_same_message_sent_twice_is_answered_once() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).start().await;
    let http = operator(&server);
    let message = json!({ "message_id": "m1", "message": "Once" });
    let first = answered(&http, &submit(&http, message.clone()).await).await;
    let again = answered(&http, &submit(&http, message).await).await;
    assert_eq!(
        (first["turn"].clone(), first["text"].clone()),
        (again["turn"].clone(), again["text"].clone())
    );
    assert_eq!(stub.calls().len(), 1);
}

#[tokio::test]
async fn a_replay_is_answered_with_the_history_the_model_and_the_instructions_that_it_brings() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).start().await;
    let http = operator(&server);
    let history = json!([{ "message": "My class is 7B.", "reply": "Noted." }]);
    let replay =
        json!({ "history": history, "model": "another-model", "instructions": "Answer in rhyme." });
    let message = json!({
        "message_id": "m1", "message": "Which class?", "provider": "claude", "replay": replay
    });
    answered(&http, &submit(&http, message).await).await;
    let asked = stub.calls()[0].body.clone();
    let said: Vec<_> =
        asked["messages"].as_array().unwrap().iter().map(|said| said["role"].clone()).collect();
    assert_eq!(
        (&asked["model"], said),
        (&json!("another-model"), vec![json!("user"), json!("assistant"), json!("user")])
    );
    assert!(asked["system"].to_string().contains("Answer in rhyme."), "{asked}");
}

#[tokio::test]
async fn whoever_is_no_operator_cannot_be_spoken_for() {
    let server = Setup::offline().start().await;
    let http = operator(&server);
    let message = json!({ "session_id": "s", "message_id": "m", "message": "Hi" });
    for principal in ["anon:somebody", "jwt:issuer#ann", "op:", "me"] {
        let body = json!({ "principal": principal, "messages": [message] });
        http.post("/admin/api/messages", &body).await.problem(400);
    }
    let body = json!({ "principal": "jwt:issuer#ann", "messages": [message] });
    assert_eq!(http.post("/admin/api/messages", &body).await.problem(400)["field"], "principal");
    let body = json!({ "principal": "op:ann", "messages": [] });
    assert_eq!(http.post("/admin/api/messages", &body).await.problem(400)["field"], "messages");
    assert_eq!(
        http.post("/admin/api/chat-sessions", &json!({ "principal": "anon:x" })).await.problem(400)
            ["field"],
        "principal"
    );
}

#[tokio::test]
async fn an_operator_chats_like_everybody_else() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).start().await;
    let opened = operator(&server)
        .post("/admin/api/chat-sessions", &json!({ "principal": "op:ann" }))
        .await
        .expect(201);
    let host = server.place().0;
    assert!(opened["websocket"]["url"].as_str().unwrap().contains(host), "{opened}");
    let mut http = crate::support::Http::new(server.base());
    http.token = Some(opened["session_token"].as_str().unwrap().to_owned());
    let mut ann = Chatter::join_as(http).await;
    assert_eq!(ann.ask("Hello").await.kind, "reply");
}

#[tokio::test]
async fn a_persons_message_is_told_from_an_operators() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).start().await;
    let http = operator(&server);
    let pointer = submit(&http, json!({ "message_id": "m1", "message": "One" })).await;
    answered(&http, &pointer).await;
    let status = http.get("/admin/api/status").await.expect(200);
    assert!(status.get("live_ms").is_none(), "{status}");
    Chatter::join(&server).await.ask("Hello").await;
    let status = http.get("/admin/api/status").await.expect(200);
    assert!(status["live_ms"].as_u64().is_some_and(|ago| ago < 30_000), "{status}");
}
