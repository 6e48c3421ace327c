//! `POST /sessions`.

use std::time::Duration;

use serde_json::json;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_session_is_created_once_and_answered_the_same_again() {
    let world = World::new();
    let token = world.session().await;
    let again =
        world.post("/sessions", &json!({ "session_id": "s" })).token(&token).send().await.ok(201);
    assert_eq!(again.json["session_id"], "s");
    assert_eq!(again.json.get("session_token"), None);
    assert!(again.json["websocket"]["ticket"].is_string());
    assert_eq!(world.store.count("META"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_needs_no_body() {
    let world = World::new();
    let answer = world.ask(http::Method::POST, "/sessions").send().await.ok(201);
    assert_eq!(answer.json["session_id"].as_str().unwrap().len(), 22);
    world
        .post("/sessions", &json!({ "session_id": 7 }))
        .send()
        .await
        .refused(400, Some("session_id"));
}

#[tokio::test(start_paused = true)]
async fn the_sockets_address_is_the_hosts_where_none_is_configured() {
    let world = World::configured(|config| config.websocket_url = None);
    let answer = world
        .ask(http::Method::POST, "/sessions")
        .header("host", "127.0.0.1:8080")
        .send()
        .await
        .ok(201);
    assert_eq!(answer.json["websocket"]["url"], "ws://127.0.0.1:8080/socket");
    let answer =
        world.ask(http::Method::POST, "/sessions").header("host", "a/b").send().await.ok(201);
    assert_eq!(answer.json["websocket"]["url"], "ws://localhost/socket");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_sessions_id_is_not_used_again_for_a_day() {
    let world = World::new();
    let token = world.session().await;
    world.delete("/sessions/s").token(&token).send().await.ok(204);
    let create = world.post("/sessions", &json!({ "session_id": "s" })).token(&token);
    create.clone().send().await.refused(404, None);
    let chat = world.post("/chat", &json!({ "message": "x", "session_id": "s" })).token(&token);
    chat.send().await.refused(404, None);
    world.later(Duration::from_hours(23));
    create.send().await.refused(404, None);
}

#[tokio::test(start_paused = true)]
async fn an_expired_session_begins_anew() {
    let world =
        World::configured(|config| config.accept_limits.lifetime.ttl = Duration::from_hours(1));
    let token = world.session().await;
    world.later(Duration::from_mins(61));
    world.get("/sessions/s/turns").token(&token).send().await.refused(404, None);
    world.post("/sessions", &json!({ "session_id": "s" })).token(&token).send().await.ok(201);
    world.get("/sessions/s/turns").token(&token).send().await.ok(200);
}

#[tokio::test(start_paused = true)]
async fn a_session_takes_no_message_in_the_last_hour_of_its_week() {
    let world =
        World::configured(|config| config.accept_limits.lifetime.ttl = Duration::from_hours(168));
    let mut token = world.session().await;
    for day in 1..=7 {
        world.later(Duration::from_hours(23));
        let body = json!({ "message": "x", "session_id": "s", "message_id": format!("day-{day}") });
        let answer = world.post("/chat", &body).token(&token).send().await.ok(202);
        token = answer.json["session_token"].as_str().unwrap_or(&token).to_owned();
    }
    world.later(Duration::from_hours(6) - Duration::from_millis(1));
    world.say(&token, "early", "Hello").await;
    world.later(Duration::from_millis(1));
    let body = json!({ "message": "x", "session_id": "s", "message_id": "late" });
    world.post("/chat", &body).token(&token).send().await.refused(404, None);
}
