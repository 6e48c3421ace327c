//! What is away is a 503, and nothing is lost or doubled.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_away_is_no_202_and_the_retry_is_one_message() {
    let world = World::new();
    let token = world.session().await;
    let body = json!({ "message": "Hello", "session_id": "s", "message_id": "m1" });
    world.requests.down.store(true, Ordering::SeqCst);
    let answer = world.post("/chat", &body).token(&token).send().await;
    answer.refused(503, None);
    assert_eq!(answer.header("retry-after"), Some("2"));
    world.requests.down.store(false, Ordering::SeqCst);
    world.post("/chat", &body).token(&token).send().await.ok(202);
    assert_eq!(World::bodies(&world.requests).await.len(), 1);
    assert_eq!(world.store.count("M#"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_a_503_everywhere() {
    let world = World::new();
    let token = world.session().await;
    world.store.down.store(true, Ordering::SeqCst);
    for ask in [
        world.post("/sessions", &json!({})),
        world.post("/chat", &json!({ "message": "x" })),
        world.get("/sessions/s/turns"),
        world.post("/sessions/s/stop", &json!({ "message_id": "m" })),
        world.delete("/sessions/s"),
    ] {
        ask.token(&token).send().await.refused(503, None);
    }
    world.get("/health").send().await.ok(200);
}
