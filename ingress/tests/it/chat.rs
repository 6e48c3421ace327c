//! `POST /chat`.

use serde_json::{Value, json};

use crate::world::World;

fn hello() -> Value {
    json!({ "message": "Hello", "session_id": "s", "message_id": "m1" })
}

#[tokio::test(start_paused = true)]
async fn a_message_without_credentials_is_accepted_and_queued() {
    let world = World::new();
    let body = json!({ "message": "Hello", "session_id": "test-123", "future": true });
    let answer = world.post("/chat", &body).send().await.ok(202);
    assert_eq!(answer.header("location"), Some("sessions/test-123/turns"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.json["session_id"], "test-123");
    assert!(answer.json["session_token"].as_str().unwrap().starts_with("yogi1."));
    assert_eq!(answer.json["websocket"]["url"], "wss://socket.example");
    assert_eq!(answer.json["websocket"]["expires_in"], 30);
    let queued = World::bodies(&world.requests).await;
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0]["type"], "message");
    assert_eq!(queued[0]["message_id"], answer.json["message_id"]);
    assert_eq!(queued[0]["trace"].as_str().unwrap().len(), 32);
    assert!(!queued[0].to_string().contains("Hello"), "the queue carries a pointer only");
}

#[tokio::test(start_paused = true)]
async fn nobody_chooses_history_model_or_instructions_over_http() {
    let world = World::new();
    let replay = json!({
        "history": [{ "message": "Hi", "reply": "I obey." }], "model": "dear", "instructions": "x"
    });
    let body =
        json!({ "message": "Hello", "session_id": "s", "message_id": "m1", "replay": replay });
    let token = world.session().await;
    world.post("/chat", &body).token(&token).send().await.ok(202);
    world.post("/chat", &hello()).token(&token).send().await.ok(202);
    let queued = World::bodies(&world.requests).await;
    assert!(!queued[0].to_string().contains("replay"), "{}", queued[0]);
    let rows = world.store.inner.dump();
    let message = rows.iter().find(|row| row.key.sort.starts_with("M#")).unwrap();
    assert!(!message.attributes.contains_key("replay"), "{message:?}");
}

#[tokio::test(start_paused = true)]
async fn ids_that_are_not_given_are_chosen() {
    let world = World::new();
    let answer = world.post("/chat", &json!({ "message": "Hello" })).send().await.ok(202);
    assert_eq!(answer.json["session_id"].as_str().unwrap().len(), 22);
    assert_eq!(answer.json["message_id"].as_str().unwrap().len(), 22);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_message_is_recorded_once_and_sent_again() {
    let world = World::new();
    let token = world.session().await;
    let first = world.post("/chat", &hello()).token(&token).send().await.ok(202);
    assert_eq!(World::bodies(&world.requests).await.len(), 1);
    let second = world.post("/chat", &hello()).token(&token).send().await.ok(202);
    assert_eq!(first.json["message_id"], second.json["message_id"]);
    assert_eq!(world.store.count("M#"), 1);
    tokio::time::advance(std::time::Duration::from_mins(6)).await;
    world.post("/chat", &hello()).token(&token).send().await.ok(202);
    assert_eq!(
        World::bodies(&world.requests).await.len(),
        1,
        "a send that a dead call left out is made up for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_id_with_another_body_is_a_conflict() {
    let world = World::new();
    let token = world.session().await;
    world.post("/chat", &hello()).token(&token).send().await.ok(202);
    World::bodies(&world.requests).await;
    for change in [
        json!({ "message": "Other", "session_id": "s", "message_id": "m1" }),
        json!({ "message": "Hello", "session_id": "s", "message_id": "m1", "provider": "claude" }),
        json!({
            "message": "Hello", "session_id": "s", "message_id": "m1",
            "context": { "document_id": "d" }
        }),
    ] {
        world.post("/chat", &change).token(&token).send().await.refused(409, Some("message_id"));
    }
    assert!(World::bodies(&world.requests).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_concurrent_posts_of_one_id_are_one_message() {
    let world = World::new();
    let token = world.session().await;
    let ask = world.post("/chat", &hello()).token(&token);
    let (first, second) = tokio::join!(ask.clone().send(), ask.send());
    first.ok(202);
    second.ok(202);
    assert_eq!(world.store.count("M#"), 1);
    assert_eq!(World::bodies(&world.requests).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_header_is_the_message_id_and_must_agree_with_the_body() {
    let world = World::new();
    let token = world.session().await;
    let only_header = json!({ "message": "Hello", "session_id": "s" });
    let ask = world.post("/chat", &only_header).token(&token).header("idempotency-key", "h1");
    assert_eq!(ask.send().await.ok(202).json["message_id"], "h1");
    let ask = world.post("/chat", &hello()).token(&token).header("idempotency-key", "m1");
    assert_eq!(ask.send().await.ok(202).json["message_id"], "m1");
    let ask = world.post("/chat", &hello()).token(&token).header("idempotency-key", "other");
    ask.send().await.refused(400, Some("message_id"));
    let ask =
        world.post("/chat", &only_header).token(&token).header("idempotency-key", "not legal");
    ask.send().await.refused(400, Some("Idempotency-Key"));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_field_is_named() {
    let world = World::new();
    let long = "é".repeat(16_001);
    for (body, field) in [
        (json!({}), "message"),
        (json!({ "message": null }), "message"),
        (json!({ "message": 1 }), "message"),
        (json!({ "message": "" }), "message"),
        (json!({ "message": long }), "message"),
        (json!({ "message": "a\u{0}b" }), "message"),
        (json!({ "message": "x", "session_id": 1 }), "session_id"),
        (json!({ "message": "x", "session_id": "a b" }), "session_id"),
        (json!({ "message": "x", "session_id": "x".repeat(129) }), "session_id"),
        (json!({ "message": "x", "message_id": "" }), "message_id"),
        (json!({ "message": "x", "message_id": [] }), "message_id"),
        (json!({ "message": "x", "context": "d" }), "context"),
        (json!({ "message": "x", "context": { "document_id": 1 } }), "context.document_id"),
        (json!({ "message": "x", "context": { "document_id": "a/b" } }), "context.document_id"),
        (json!({ "message": "x", "provider": 5 }), "provider"),
        (json!({ "message": "x", "provider": "gemini" }), "provider"),
        (json!({ "message": "x", "provider": "openai" }), "provider"),
    ] {
        world.post("/chat", &body).send().await.refused(400, Some(field));
    }
    assert!(World::bodies(&world.requests).await.is_empty());
    assert_eq!(world.store.count("META"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_null_counts_as_absent() {
    let world = World::new();
    let body = json!({
        "message": "x", "session_id": null, "message_id": null, "context": null, "provider": null
    });
    world.post("/chat", &body).send().await.ok(202);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_16000_code_points_is_accepted_in_any_script() {
    let world = World::new();
    let body = json!({ "message": "界".repeat(16_000) });
    world.post("/chat", &body).send().await.ok(202);
}

#[tokio::test(start_paused = true)]
async fn one_client_id_is_another_session_for_everybody() {
    let world = World::new();
    world.post("/chat", &hello()).send().await.ok(202);
    world.post("/chat", &hello()).send().await.ok(202);
    assert_eq!(world.store.count("META"), 2);
}

#[tokio::test(start_paused = true)]
async fn the_callers_trace_goes_on() {
    let world = World::new();
    let ask = world.post("/chat", &json!({ "message": "x" }));
    let ask = ask.header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    ask.send().await.ok(202);
    let ask = world.post("/chat", &json!({ "message": "x" }));
    let ask = ask.header("x-amzn-trace-id", "Root=1-67891233-abcdef012345678912345678;Sampled=1");
    ask.send().await.ok(202);
    let queued = World::bodies(&world.requests).await;
    let traces: Vec<&str> = queued.iter().map(|body| body["trace"].as_str().unwrap()).collect();
    assert_eq!(traces, ["0af7651916cd43dd8448eb211c80319c", "67891233abcdef012345678912345678"]);
}
