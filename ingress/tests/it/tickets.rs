//! Tickets, and who may connect.

use std::time::Duration;

use ingress::{AllowedOrigins, AuthorizeError};
use serde_json::json;

use crate::world::World;

async fn ticket(world: &World) -> String {
    let answer = world.post("/sessions", &json!({ "session_id": "s" })).send().await.ok(201);
    answer.json["websocket"]["ticket"].as_str().unwrap().to_owned()
}

async fn check(world: &World, ticket: &str, origin: Option<&str>, status: u16) {
    let result = world.ingress.authorize_socket(ticket, origin, Some("chat.local:8080")).await;
    let found = result.as_ref().map_or_else(|refusal| refusal.status().as_u16(), |_| 101);
    assert_eq!(found, status, "{origin:?}");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_opens_one_socket_once() {
    let world = World::new();
    let ticket = ticket(&world).await;
    let session = world.ingress.authorize_socket(&ticket, None, None).await.unwrap();
    assert_eq!(session.session_key, crate::rows::key_of_s(&world));
    let refused = world.ingress.authorize_socket(&ticket, None, None).await.unwrap_err();
    assert!(matches!(refused, AuthorizeError::Ticket));
    assert_eq!(world.store.count("C#"), 0, "connecting writes no connection");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_good_for_thirty_seconds() {
    let world = World::new();
    let early = ticket(&world).await;
    let late = ticket(&world).await;
    world.later(Duration::from_millis(29_999));
    check(&world, &early, None, 101).await;
    world.later(Duration::from_millis(1));
    check(&world, &late, None, 401).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_ticket_opens_nothing() {
    let world = World::new();
    let token = world.session().await;
    let ticket = ticket(&world).await;
    let (body, mac) = ticket.rsplit_once('.').unwrap();
    check(&world, "", None, 401).await;
    check(&world, &token, None, 401).await;
    check(&world, &token.replacen("yogi1", "ticket1", 1), None, 401).await;
    check(&world, &format!("{body}.{}", mac.chars().rev().collect::<String>()), None, 401).await;
    check(&world, &format!("{body}x.{mac}"), None, 401).await;
    check(&world, &"x".repeat(100_000), None, 401).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_origin_does_not_use_the_ticket_up() {
    let exact = AllowedOrigins::Exact(vec!["https://app.example".to_owned()]);
    let world = World::configured(|config| config.origins = exact);
    let ticket = ticket(&world).await;
    for origin in [
        "https://evil.example",
        "null",
        "https://app.example.evil",
        "http://app.example",
        "https://APP.example",
        "",
    ] {
        check(&world, &ticket, Some(origin), 403).await;
    }
    check(&world, &ticket, Some("https://app.example"), 101).await;
}

#[tokio::test(start_paused = true)]
async fn one_machine_admits_loopback_pages_and_its_own() {
    let world = World::new();
    for (origin, status) in [
        ("http://localhost:3000", 101),
        ("http://127.0.0.1:8080", 101),
        ("https://[::1]:5173", 101),
        ("http://chat.local:8080", 101),
        ("http://chat.local:9090", 403),
        ("http://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("http://evil.example@localhost", 403),
        ("http://localhost/path", 403),
        ("file://localhost", 403),
        ("null", 403),
    ] {
        check(&world, &ticket(&world).await, Some(origin), status).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_forged_ticket_is_refused_before_its_origin_is_looked_at() {
    let world = World::new();
    check(&world, "ticket1.e30.AAAA", Some("http://evil.example"), 401).await;
}
