//! Answers as they should be.

use std::time::Duration;

use serde_json::json;
use testkit::stub_provider::{Behaviour, Finish, Protocol, Reply};

use crate::support::{Chatter, Final, Http, Setup, in_time, provider};

const BOTH: [Protocol; 2] = [Protocol::Claude, Protocol::OpenAi];

/// Asks one question of a provider that behaves so.
async fn answer_of(protocol: Protocol, behaviour: Behaviour) -> Final {
    let stub = provider(behaviour).await;
    let setup = match protocol {
        Protocol::Claude => Setup::claude(&stub),
        Protocol::OpenAi => Setup::openai(&stub),
    };
    let server = setup.start().await;
    let mut ann = Chatter::join(&server).await;
    let shown = ann.ask("Hello").await;
    assert_eq!(stub.calls()[0].protocol, protocol);
    assert_eq!(ann.turns().await[0]["text"], shown.text, "what was shown is what is stored");
    shown
}

fn name(protocol: Protocol) -> &'static str {
    if protocol == Protocol::Claude { "claude" } else { "openai" }
}

#[tokio::test]
async fn without_a_key_the_answer_is_quoted_from_the_document() {
    let server = Setup::offline().start().await;
    let mut ann = Chatter::join(&server).await;
    let question = "What does class 7B have on Tuesday in period 3?";
    let id = ann.say_with(question, json!({ "context": { "document_id": "class-7b" } })).await;
    let answer = ann.final_of(&id).await;
    let stored = &ann.turns().await[0];
    assert_eq!((answer.kind.as_str(), &stored["provider"]), ("reply", &json!("offline")));
    assert_eq!(stored["context"], "used");
    let document = include_str!("../../../school/documents.json");
    let quoted: Vec<_> = answer.text.lines().filter_map(|line| line.strip_prefix("- ")).collect();
    assert!(
        !quoted.is_empty() && quoted.iter().all(|line| document.contains(*line)),
        "{}",
        answer.text
    );
    assert!(answer.text.contains("Tuesday, period 3 (10:50–11:40): Science"), "{}", answer.text);
}

#[tokio::test]
async fn a_streamed_reply_arrives_piece_by_piece_and_is_the_stored_one() {
    for protocol in BOTH {
        let reply = Reply::words(20).paced(Duration::from_millis(50));
        let answer = answer_of(protocol, Behaviour::Reply(reply.clone())).await;
        assert_eq!(answer.text, reply.whole());
        assert!(answer.pieces >= 5, "{} pieces in a second", answer.pieces);
        assert_eq!(answer.provisional, [reply.whole()], "all of it was shown before it was final");
        assert_eq!(
            (answer.finish_reason.as_str(), answer.provider.as_str()),
            ("stop", name(protocol))
        );
    }
}

#[tokio::test]
async fn a_reply_that_comes_one_byte_at_a_time_is_the_same_reply() {
    for protocol in BOTH {
        let answer = answer_of(protocol, Behaviour::OneByteAtATime(Reply::default())).await;
        assert_eq!(answer.text, Reply::default().whole());
    }
}

#[tokio::test]
async fn the_reply_of_a_slow_provider_is_waited_for() {
    let reply = Reply { first_delay: Duration::from_millis(1_500), ..Reply::default() };
    let answer = answer_of(Protocol::Claude, Behaviour::Reply(reply.clone())).await;
    assert_eq!(answer.text, reply.whole());
    assert!(answer.statuses.is_empty(), "{:?}", answer.statuses);
}

#[tokio::test]
async fn a_refusal_is_a_reply() {
    for protocol in BOTH {
        let answer = answer_of(protocol, Behaviour::Refusal).await;
        assert_eq!((answer.kind.as_str(), answer.finish_reason.as_str()), ("reply", "refusal"));
        assert_eq!(answer.text, "I cannot help with that.");
    }
}

#[tokio::test]
async fn a_reply_that_was_cut_short_says_so() {
    for protocol in BOTH {
        let reply = Reply::default().finishing(Finish::Length);
        let answer = answer_of(protocol, Behaviour::Reply(reply)).await;
        assert_eq!((answer.kind.as_str(), answer.finish_reason.as_str()), ("reply", "length"));
    }
    let filtered = Reply::default().finishing(Finish::ContentFilter);
    let answer = answer_of(Protocol::OpenAi, Behaviour::Reply(filtered)).await;
    assert_eq!(answer.finish_reason, "content_filter");
}

#[tokio::test]
async fn an_endless_reply_is_cut_and_its_provider_let_go() {
    let stub = provider(Behaviour::Endless).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let answer = ann.ask("Never stop").await;
    assert_eq!((answer.kind.as_str(), answer.finish_reason.as_str()), ("reply", "length"));
    assert!((200_000..260_000).contains(&answer.text.len()), "{} bytes", answer.text.len());
    in_time(stub.until(|seen| seen.abandoned == 1)).await;
    assert_eq!(stub.calls().len(), 1);
}

#[tokio::test]
async fn the_readers_first_curl_works_without_credentials() {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    let server = Setup::claude(&stub).start().await;
    let mut http = Http::new(server.base());
    let accepted =
        http.post("/chat", &json!({ "message": "Hello", "session_id": "test-123" })).await;
    let body = accepted.expect(202);
    assert_eq!(accepted.header("location"), "sessions/test-123/turns");
    assert_eq!(body["session_id"], "test-123");
    assert!(body["message_id"].is_string());
    assert!(body["websocket"]["url"].as_str().unwrap().starts_with("ws://127.0.0.1:"), "{body}");
    assert!(http.get("/sessions/test-123/turns").await.problem(401)["detail"].is_string());
    http.token = Some(body["session_token"].as_str().unwrap().to_owned());
    let turns = http.get("/sessions/test-123/turns?wait=20").await.expect(200);
    assert_eq!(turns["turns"][0]["text"], Reply::default().whole());
    assert_eq!(turns["running"], false);
}
