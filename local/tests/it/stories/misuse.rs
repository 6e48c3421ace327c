//! What is wrong, and whose it is not.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::stub_provider::{Behaviour, Reply};

use crate::support::{
    Answer, Chatter, Http, Setup, in_time, next_frame, open, provider, send, websocket,
};

#[tokio::test]
async fn a_wrong_field_is_named() {
    let server = Setup::offline().start().await;
    let ann = Chatter::join(&server).await;
    let long = "é".repeat(16_001);
    for (body, field) in [
        (json!({}), "message"),
        (json!({ "message": null }), "message"),
        (json!({ "message": "" }), "message"),
        (json!({ "message": 7 }), "message"),
        (json!({ "message": ["Hello"] }), "message"),
        (json!({ "message": "bell\u{7}" }), "message"),
        (json!({ "message": "nul\u{0}" }), "message"),
        (json!({ "message": "\u{FFFF}" }), "message"),
        (json!({ "message": long }), "message"),
        (json!({ "message": "Hi", "session_id": "" }), "session_id"),
        (json!({ "message": "Hi", "session_id": "a b" }), "session_id"),
        (json!({ "message": "Hi", "session_id": "x".repeat(129) }), "session_id"),
        (json!({ "message": "Hi", "session_id": 1 }), "session_id"),
        (json!({ "message": "Hi", "message_id": "ä" }), "message_id"),
        (json!({ "message": "Hi", "message_id": {} }), "message_id"),
        (json!({ "message": "Hi", "context": "school" }), "context"),
        (json!({ "message": "Hi", "context": { "document_id": 7 } }), "context.document_id"),
        (json!({ "message": "Hi", "context": { "document_id": "../etc" } }), "context.document_id"),
        (json!({ "message": "Hi", "provider": "hal" }), "provider"),
        (json!({ "message": "Hi", "provider": true }), "provider"),
    ] {
        let problem = ann.http.post("/chat", &body).await.problem(400);
        assert_eq!(problem["field"], field, "{body}");
    }
    assert!(ann.turns().await.is_empty());
}

#[tokio::test]
async fn a_provider_that_has_no_key_is_no_choice() {
    let server = Setup::offline().start().await;
    let ann = Chatter::join(&server).await;
    let wish = json!({ "message": "Hi", "provider": "claude" });
    assert_eq!(ann.http.post("/chat", &wish).await.problem(400)["field"], "provider");
}

#[tokio::test]
async fn a_body_that_is_none_is_refused_for_what_it_is() {
    let server = Setup::offline().start().await;
    let ann = Chatter::join(&server).await;
    let post = async |body: &str, kind: &str| {
        ann.http.send(Method::POST, "/chat", Some((body.to_owned(), kind)), &[]).await
    };
    let json = "application/json";
    for body in ["", "Hello", "{", "[]", "\"Hello\"", "{\"message\":\"\\ud800\"}"] {
        post(body, json).await.problem(400);
    }
    let hello = r#"{"message":"Hello"}"#;
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        post(hello, kind).await.problem(415);
    }
    let padded = |size: usize| format!("{hello}{}", " ".repeat(size - hello.len()));
    assert_eq!(post(&padded(65_536), json).await.status, 202);
    for size in [65_537, 65_538, 1 << 20] {
        post(&padded(size), json).await.problem(413);
    }
    let unknown = r#"{"message":"Hello","colour":"blue","context":{"mood":1}}"#;
    assert_eq!(post(unknown, "application/json; charset=utf-8").await.status, 202);
}

#[tokio::test]
async fn the_longest_message_is_answered_and_one_more_character_is_not() {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    // 64,000 bytes of UTF-8 as they are, for `\u` escapes would not fit the body.
    let longest = "🎈".repeat(16_000);
    assert_eq!(ann.ask(&longest).await.kind, "reply");
    assert_eq!(stub.calls()[0].messages[0].text, longest);
    let more = ann.chat(json!({ "message": "x".repeat(16_001) })).await;
    assert_eq!(more.problem(400)["field"], "message");
}

#[tokio::test]
async fn an_unknown_path_or_method_is_a_problem_too() {
    let server = Setup::offline().start().await;
    let ann = Chatter::join(&server).await;
    for path in [
        "/nothing",
        "/chat/",
        "/sessions/x/y",
        "/sessions//turns",
        "/sessions/%ff/turns",
        "/chat%00",
    ] {
        ann.http.get(path).await.problem(404);
    }
    for (method, path, allow) in [
        (Method::GET, "/chat", "POST"),
        (Method::PUT, "/chat", "POST"),
        (Method::POST, "/health", "GET"),
        (Method::PATCH, "/sessions/x", "DELETE"),
        (Method::DELETE, "/sessions/x/turns", "GET"),
    ] {
        let answer = ann.http.call(method, path, None).await;
        answer.problem(405);
        assert!(answer.header("allow").contains(allow), "{path}: {}", answer.header("allow"));
    }
    assert_eq!(ann.http.get("/health").await.status, 200);
}

#[tokio::test]
async fn bad_credentials_are_refused_and_never_become_a_new_user() {
    let server = Setup::offline().start().await;
    let ann = Chatter::join(&server).await;
    let token = ann.http.token.clone().unwrap();
    let mut http = Http::new(server.base());
    for wrong in ["", "x", "yogi1.a.b.c.d.e", &token[..token.len() - 1], &format!("{token}x")] {
        http.token = Some(wrong.to_owned());
        http.post("/chat", &json!({ "message": "Hello" })).await.problem(401);
        http.post("/sessions", &json!({})).await.problem(401);
        http.get(&ann.path("turns")).await.problem(401);
    }
}

#[tokio::test]
async fn a_foreign_session_is_as_absent_as_one_that_never_was() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("The canary is mine").await;
    let bob = Chatter::join(&server).await;
    let everything = async |session: &str| {
        let path = |rest: &str| format!("/sessions/{session}{rest}");
        let answers: [Answer; 6] = [
            bob.http.get(&path("/turns")).await,
            bob.http.get(&path("/turns?wait=1")).await,
            bob.http.post(&path("/tickets"), &Value::Null).await,
            bob.http.post(&path("/stop"), &json!({ "message_id": "m1" })).await,
            bob.http.post(&path("/turns/1/feedback"), &json!({ "rating": "up" })).await,
            bob.http.delete(&path("")).await,
        ];
        answers.map(|answer| (answer.status, answer.text))
    };
    let foreign = everything(&ann.session).await;
    assert_eq!(foreign, everything("never-was").await);
    assert!(foreign.iter().all(|(status, _)| *status == 404), "{foreign:?}");
    assert_eq!(ann.turns().await.len(), 1, "and nothing happened to it");
}

#[tokio::test]
async fn a_ticket_opens_its_own_session_whatever_the_frames_say() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("The canary is mine").await;
    let mut bob = Chatter::join(&server).await;
    let mut socket = open(&websocket(&bob.http, &bob.session).await).await;
    let nosy =
        json!({ "type": "resume", "after": 0, "session_id": ann.session, "threadId": ann.session });
    send(&mut socket, &nosy).await;
    let resumed = in_time(next_frame(&mut socket)).await.unwrap();
    assert_eq!(resumed["value"]["next"], 1);
    bob.ask("Mine").await;
    ann.ask("The canary again").await;
    send(&mut socket, &nosy).await;
    let mut heard = Vec::new();
    let resumed = |heard: &[Value]| heard.iter().any(|frame| frame["name"] == "chat.resumed");
    while !resumed(&heard) || heard.last().is_none_or(|frame| frame["type"] != "RUN_FINISHED") {
        heard.push(in_time(next_frame(&mut socket)).await.unwrap());
    }
    assert!(heard.iter().all(|frame| !frame.to_string().contains("canary")), "{heard:#?}");
    let same_name = json!({ "message": "Hello", "session_id": ann.session });
    bob.http.post("/chat", &same_name).await.expect(202);
    assert_eq!(
        ann.turns().await.len(),
        2,
        "the same name in another user's hands is another session"
    );
}

#[tokio::test]
async fn a_page_that_gave_this_machine_a_name_of_its_own_gets_nothing() {
    let server = Setup::offline().start().await;
    let ann = Chatter::join(&server).await;
    let turns = ann.path("turns");
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8080"] {
        for path in [turns.as_str(), "/", "/health", "/socket"] {
            let answer = ann.http.send(Method::GET, path, None, &[("host", host)]).await;
            assert_eq!(answer.status, 421, "{host}{path}");
        }
    }
    assert_eq!(
        ann.http.send(Method::GET, &turns, None, &[("host", "localhost:8080")]).await.status,
        200
    );
}

#[tokio::test]
async fn only_pages_of_this_machine_may_read_an_answer() {
    let server = Setup::offline().start().await;
    let ann = Chatter::join(&server).await;
    for (origin, allowed) in [
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://evil.example", ""),
        ("null", ""),
    ] {
        let answer =
            ann.http.send(Method::GET, &ann.path("turns"), None, &[("origin", origin)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{origin}");
    }
}
