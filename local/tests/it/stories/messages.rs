//! Messages: repeated, reused, many at once.

use reqwest::Method;
use serde_json::json;
use testkit::stub_provider::{Behaviour, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Chatter, Setup, TestServer, in_time, provider};

#[tokio::test]
async fn a_repeated_message_is_answered_once() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let repeated = json!({ "message": "Hello", "message_id": "once" });
    let (one, two, three) = tokio::join!(
        ann.chat(repeated.clone()),
        ann.chat(repeated.clone()),
        ann.chat(repeated.clone()),
    );
    for answer in [one, two, three] {
        assert_eq!(answer.expect(202)["message_id"], "once");
    }
    ann.final_of("once").await;
    ann.chat(repeated).await.expect(202);
    ann.ask("Next").await;
    let turns = ann.turns().await;
    let ids: Vec<_> = turns.iter().map(|turn| turn["message_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["once", "m1"]);
    assert_eq!(stub.calls().len(), 2);
}

#[tokio::test]
async fn a_message_id_with_another_body_is_a_conflict() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.chat(json!({ "message": "Hello", "message_id": "once" })).await.expect(202);
    for other in [
        json!({ "message": "Goodbye", "message_id": "once" }),
        json!({ "message": "Hello", "message_id": "once", "context": { "document_id": "school" } }),
        json!({ "message": "Hello", "message_id": "once", "provider": "claude" }),
    ] {
        assert_eq!(ann.chat(other).await.problem(409)["field"], "message_id");
    }
    ann.final_of("once").await;
    assert_eq!(ann.turns().await.len(), 1);
}

#[tokio::test]
async fn the_idempotency_key_is_the_message_id() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let body = |id: &str| {
        json!({ "message": "Hello", "session_id": ann.session, "message_id": id }).to_string()
    };
    let without = json!({ "message": "Hello", "session_id": ann.session }).to_string();
    let key = [("idempotency-key", "k1")];
    let send = |body| ann.http.send(Method::POST, "/chat", Some((body, "application/json")), &key);
    assert_eq!(send(without).await.expect(202)["message_id"], "k1");
    assert_eq!(send(body("k1")).await.expect(202)["message_id"], "k1");
    assert_eq!(send(body("k2")).await.problem(400)["field"], "message_id");
    ann.final_of("k1").await;
    assert_eq!(ann.turns().await.len(), 1);
}

#[tokio::test]
async fn ten_pipelined_posts_keep_their_order() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let requests: String = (0..10).map(|n| raw_post(&server, &ann, n)).collect();
    let mut stream = TcpStream::connect(server.place().0).await.unwrap();
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut answers = String::new();
    while answers.matches("HTTP/1.1 202").count() < 10 {
        let mut buffer = [0; 4_096];
        let read = in_time(stream.read(&mut buffer)).await.unwrap();
        assert!(read > 0, "{answers}");
        answers.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    ann.until(|view| view.finals.len() == 10).await;
    for (n, shown) in ann.view.finals.iter().enumerate() {
        assert_eq!(shown.message_id, format!("p{n}"));
        assert_eq!(shown.text, format!("Message {n}"));
    }
}

fn raw_post(server: &TestServer, ann: &Chatter, n: usize) -> String {
    let body = json!({
        "message": format!("Message {n}"), "session_id": ann.session, "message_id": format!("p{n}")
    });
    let body = body.to_string();
    let (host, path) = server.place();
    format!(
        "POST {path}/chat HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\ncontent-type: \
        application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        ann.http.token.as_deref().unwrap(),
        body.len(),
    )
}

#[tokio::test]
async fn a_flood_is_refused_for_its_own_session_and_nobody_else() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).with("CHATBOT_RATE_PRINCIPAL_PER_MINUTE", "10").start().await;
    let mut ann = Chatter::join(&server).await;
    let mut bob = Chatter::join(&server).await;
    for _ in 0..10 {
        ann.say("Hello").await;
    }
    let refused = ann.chat(json!({ "message": "One more", "message_id": "flood" })).await;
    refused.problem(429);
    assert!((1..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    assert_eq!(bob.ask("Hello").await.kind, "reply");
    let known = ann.chat(json!({ "message": "Hello", "message_id": "m1" })).await;
    assert_eq!(known.status, 202, "a message that was accepted is always accepted");
    ann.until(|view| view.finals.len() == 10).await;
}

#[tokio::test]
async fn a_session_may_have_so_many_messages_that_wait_and_no_more() {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    stub.script([Behaviour::HangBeforeHeaders]);
    let server = Setup::claude(&stub).with("CHATBOT_MAX_WAITING_MESSAGES", "3").start().await;
    let mut ann = Chatter::join(&server).await;
    let stuck = ann.say("Stuck").await;
    in_time(stub.until(|seen| seen.calls == 1)).await;
    for _ in 0..3 {
        ann.say("Waiting").await;
    }
    let refused = ann.chat(json!({ "message": "One too many" })).await;
    refused.problem(429);
    assert!(!refused.header("retry-after").is_empty());
    let mut bob = Chatter::join(&server).await;
    assert_eq!(bob.ask("Hello").await.kind, "reply");
    ann.stop(&stuck).await.expect(202);
    ann.until(|view| view.finals.len() == 4).await;
    assert_eq!(ann.ask("Now there is room").await.turn, 5);
}

#[tokio::test]
async fn many_sessions_are_answered_side_by_side() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let chats = (0..20).map(|n| {
        let server = &server;
        async move {
            let mut chatter = Chatter::join(server).await;
            for turn in 1..=3 {
                let message = format!("Message {turn} of user {n}");
                assert_eq!(chatter.ask(&message).await.text, message);
            }
        }
    });
    futures::future::join_all(chats).await;
    assert_eq!(stub.calls().len(), 60);
}
