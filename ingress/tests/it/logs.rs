//! What the operator reads, and what nobody must read there.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use shared::domain::ConnectionId;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::rows;
use crate::world::World;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a whole life of a session, faults included, and returns the secrets that it knew.
async fn live(world: &World) -> Vec<String> {
    let hello =
        json!({ "message": "Something private", "session_id": "my-own-name", "message_id": "m1" });
    let first = world.post("/chat", &hello).send().await.ok(202);
    let token = first.json["session_token"].as_str().unwrap().to_owned();
    let ticket = first.json["websocket"]["ticket"].as_str().unwrap().to_owned();
    let session = world.ingress.authorize_socket(&ticket, None, None).await.unwrap();
    let connection = ConnectionId::new("c");
    world.resume(&connection, &session, 0).await;
    world.frame(&connection, &session, "Something private").await;
    world.requests.down.store(true, Ordering::SeqCst);
    world.post("/chat", &hello).token(&token).send().await.refused(503, None);
    world.store.down.store(true, Ordering::SeqCst);
    world.resume(&connection, &session, 0).await;
    world.get("/sessions/my-own-name/turns").token(&token).send().await.refused(503, None);
    world.get("/documents").token("forged-token").send().await.refused(401, None);
    world.store.down.store(false, Ordering::SeqCst);
    world.delete("/sessions/my-own-name").token(&token).send().await.ok(204);
    vec![
        token,
        ticket,
        "private".to_owned(),
        "my-own-name".to_owned(),
        "forged-token".to_owned(),
        "anon:".to_owned(),
    ]
}

/// Runs something, and returns what is logged meanwhile.
async fn logged(what: impl Future<Output = ()>) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber);
    what.await;
    drop(guard);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_leaves_one_line_a_minute_with_the_reason_and_not_the_token() {
    let world = crate::jwt::stranger_world();
    let token = "bad-token.bad-claims.bad-signature";
    let refuse = || async {
        for _ in 0..50 {
            world.get("/documents").token(token).send().await.refused(401, None);
        }
    };
    let text = logged(async {
        refuse().await;
        world.later(Duration::from_mins(1));
        refuse().await;
    })
    .await;
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("not a JWT signed with RS256 or ES256"), "{text}");
    assert!(!text.contains("bad-"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn logs_name_the_session_by_its_key_and_hold_no_secret() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    // With one dispatcher alone, a span that another test's thread meets first would be switched
    // off for good.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    let world = World::new();
    world.session().await;
    let key = rows::key_of_s(&world);
    let secrets = live(&world).await;
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains(&format!("session.id=\"{key}\"")), "{text}");
    assert_eq!(text.matches("a call failed").count(), 2, "a failure is logged once: {text}");
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} is in the logs: {text}");
    }
}
