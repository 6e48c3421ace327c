//! Session tokens: expiry, renewal, rotation, forgery.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::world::{World, no_newcomers};

async fn renewal(world: &World, token: &str) -> Option<String> {
    let answer =
        world.post("/sessions", &json!({ "session_id": "s" })).token(token).send().await.ok(201);
    answer.json["session_token"].as_str().map(str::to_owned)
}

async fn check(world: &World, authorization: &str, status: u16) {
    let answer = world.get("/documents").header("authorization", authorization).send().await;
    assert_eq!(answer.status.as_u16(), status, "{authorization}");
    if status == 401 {
        answer.refused(401, None);
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_lasts_a_day_and_is_renewed_on_use() {
    let world = World::new();
    let first = world.session().await;
    assert_eq!(renewal(&world, &first).await, None);
    world.later(Duration::from_mins(61));
    let second = renewal(&world, &first).await.unwrap();
    assert_ne!(first, second);
    world.later(Duration::from_hours(23));
    check(&world, &format!("Bearer {first}"), 401).await;
    check(&world, &format!("bearer {second}"), 200).await;
    world.later(Duration::from_hours(1));
    check(&world, &format!("Bearer {second}"), 401).await;
}

#[tokio::test(start_paused = true)]
async fn no_renewal_goes_past_seven_days() {
    let world =
        World::configured(|config| config.accept_limits.lifetime.ttl = Duration::from_hours(168));
    let mut token = world.session().await;
    for _ in 0..15 {
        world.later(Duration::from_hours(11));
        token = renewal(&world, &token).await.unwrap_or(token);
    }
    world.later(Duration::from_secs(3 * 3600 - 1));
    check(&world, &format!("Bearer {token}"), 200).await;
    assert_eq!(renewal(&world, &token).await, None);
    world.later(Duration::from_secs(1));
    check(&world, &format!("Bearer {token}"), 401).await;
}

#[tokio::test(start_paused = true)]
async fn tokens_outlive_a_rotation_of_the_keys_but_not_two() {
    let mut world = World::new();
    let old = world.session().await;
    world.rotate(&["b", "a"]);
    let renewed = renewal(&world, &old).await.expect("a token of the older key is replaced");
    check(&world, &format!("Bearer {renewed}"), 200).await;
    world.rotate(&["c", "b"]);
    check(&world, &format!("Bearer {old}"), 401).await;
    check(&world, &format!("Bearer {renewed}"), 200).await;
}

#[tokio::test(start_paused = true)]
async fn a_forged_token_is_never_a_new_principal() {
    let world = World::new();
    let token = world.session().await;
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["c"]["p"] = json!("anon:somebody");
    let forged = URL_SAFE_NO_PAD.encode(claims.to_string());
    let websocket = world.post("/sessions/s/tickets", &json!({})).token(&token).send().await;
    let ticket = websocket.json["websocket"]["ticket"].as_str().unwrap();
    for bad in [
        format!("Bearer yogi1.{forged}.{}", parts[2]),
        format!("Bearer yogi1.{}.{}", parts[1], "A".repeat(43)),
        format!("Bearer yogi2.{}.{}", parts[1], parts[2]),
        format!("Bearer {}.{}", parts[1], parts[2]),
        format!("Bearer {token}x"),
        format!("Bearer {ticket}"),
        format!("Bearer yogi1.{}", ticket.split_once('.').unwrap().1),
        format!("Basic {token}"),
        "Bearer ".to_owned(),
        "Bearer".to_owned(),
        token.clone(),
    ] {
        check(&world, &bad, 401).await;
        let chat = world.post("/chat", &json!({ "message": "x" })).header("authorization", &bad);
        chat.send().await.refused(401, None);
    }
    let twice = world.get("/documents").token(&token).token(&token);
    twice.send().await.refused(401, None);
}

#[tokio::test(start_paused = true)]
async fn only_what_begins_something_welcomes_newcomers() {
    let world = World::new();
    for path in ["/documents", "/sessions/s/turns"] {
        let answer = world.get(path).send().await;
        answer.refused(401, None);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    world.delete("/sessions/s").send().await.refused(401, None);
    world.post("/sessions/s/stop", &json!({ "message_id": "m" })).send().await.refused(401, None);
    world.post("/sessions/s/tickets", &json!({})).send().await.refused(401, None);
    world
        .post("/sessions/s/turns/1/feedback", &json!({ "rating": "up" }))
        .send()
        .await
        .refused(401, None);
}

#[tokio::test(start_paused = true)]
async fn no_newcomer_gets_in_where_anonymous_callers_are_not_allowed() {
    let world = World::configured(no_newcomers);
    world.post("/chat", &json!({ "message": "x" })).send().await.refused(401, None);
    world.post("/sessions", &json!({})).send().await.refused(401, None);
}

#[tokio::test(start_paused = true)]
async fn absent_and_foreign_sessions_are_answered_byte_for_byte_the_same() {
    let world = World::new();
    world.session().await;
    let stranger = world.post("/sessions", &json!({ "session_id": "other" })).send().await;
    let stranger = stranger.json["session_token"].as_str().unwrap();
    for (method, tail, body) in [
        (http::Method::GET, "/turns", None),
        (http::Method::POST, "/tickets", None),
        (http::Method::POST, "/stop", Some(json!({ "message_id": "m" }))),
        (http::Method::POST, "/turns/1/feedback", Some(json!({ "rating": "up" }))),
        (http::Method::DELETE, "", None),
    ] {
        let ask = |id: &str| {
            let ask = world.ask(method.clone(), &format!("/sessions/{id}{tail}")).token(stranger);
            match &body {
                Some(body) => ask.header("content-type", "application/json").body(body.to_string()),
                None => ask,
            }
        };
        let foreign = ask("s").send().await;
        foreign.refused(404, None);
        assert_eq!(foreign, ask("nobodys").send().await);
        assert_eq!(foreign, ask("not%20even%20an%20id").send().await);
    }
}
