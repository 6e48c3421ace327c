//! What holds for every call: paths, methods, bodies, CORS.

use http::Method;
use ingress::AllowedOrigins;
use serde_json::json;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn health_needs_nothing() {
    let world = World::new();
    assert_eq!(world.get("/health").send().await.ok(200).json, json!({ "status": "ok" }));
    let head = world.ask(Method::HEAD, "/health").send().await.ok(200);
    assert!(head.bytes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_path_is_absent_and_a_wrong_method_names_the_right_ones() {
    let world = World::new();
    for path in ["/", "/nothing", "/sessions/a/b/c", "/chat/", "//chat", "/sessions/%ff/turns"] {
        world.get(path).send().await.refused(404, None);
    }
    for (method, path, allow) in [
        (Method::GET, "/chat", "POST, OPTIONS"),
        (Method::PUT, "/sessions/s", "DELETE, OPTIONS"),
        (Method::POST, "/documents", "GET, HEAD, OPTIONS"),
    ] {
        let answer = world.ask(method, path).send().await;
        answer.refused(405, None);
        assert_eq!(answer.header("allow"), Some(allow));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_json_of_at_most_64_kb() {
    let world = World::new();
    let chat = || world.ask(Method::POST, "/chat");
    let json = "application/json";
    chat().header("content-type", json).body(vec![b' '; 65_537]).send().await.refused(413, None);
    chat().header("content-type", json).body(vec![b' '; 65_536]).send().await.refused(400, None);
    chat().body(r#"{"message":"x"}"#).send().await.refused(415, None);
    chat()
        .header("content-type", "text/plain")
        .body(r#"{"message":"x"}"#)
        .send()
        .await
        .refused(415, None);
    chat().header("content-type", json).body("[]").send().await.refused(400, None);
    chat().header("content-type", json).send().await.refused(400, None);
    let charset = "application/json; charset=utf-8";
    chat().header("content-type", charset).body(r#"{"message":"x"}"#).send().await.ok(202);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_json_is_told_by_its_place_alone() {
    let world = World::new();
    for body in [
        "{\"message\":\n\"secret\" oops}",
        "{\"message\":\"secret\\ud800\"}",
        "{\"message\":\"secret",
    ] {
        let ask = world.ask(Method::POST, "/chat").header("content-type", "application/json");
        let answer = ask.body(body).send().await;
        answer.refused(400, None);
        let detail = answer.json["detail"].as_str().unwrap();
        assert!(detail.contains("line") && detail.contains("column"), "{detail}");
        assert!(!detail.contains("secret") && !detail.contains("oops"));
    }
    let deep = "[".repeat(60_000);
    world
        .ask(Method::POST, "/chat")
        .header("content-type", "application/json")
        .body(deep)
        .send()
        .await
        .refused(400, None);
}

#[tokio::test(start_paused = true)]
async fn only_allowed_origins_are_answered_in_a_browser() {
    let exact = AllowedOrigins::Exact(vec!["https://app.example".to_owned()]);
    let world = World::configured(|config| config.origins = exact);
    let allowed = world.get("/nothing").header("origin", "https://app.example").send().await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(allowed.header("access-control-expose-headers"), Some("Location, Retry-After"));
    assert_eq!(allowed.header("vary"), Some("Origin"));
    for origin in ["https://evil.example", "null", "*"] {
        let answer = world.get("/health").header("origin", origin).send().await;
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_preflight_is_answered_without_credentials() {
    let world = World::new();
    let ask = world.ask(Method::OPTIONS, "/chat").header("origin", "http://localhost:3000");
    let ask = ask.header("access-control-request-method", "POST");
    let ask = ask.header(
        "access-control-request-headers",
        "content-type, x-amz-date, x-evil, X-Amz-Security-Token",
    );
    let answer = ask.send().await.ok(204);
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST, OPTIONS"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some("Authorization, Content-Type, Idempotency-Key, x-amz-date, X-Amz-Security-Token")
    );
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    world.ask(Method::OPTIONS, "/nothing").send().await.refused(404, None);
}
