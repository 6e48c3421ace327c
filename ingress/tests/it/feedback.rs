//! `POST /sessions/{id}/turns/{n}/feedback`.

use serde_json::{Value, json};

use crate::rows;
use crate::world::World;

async fn world() -> (World, String) {
    let world = World::new();
    let token = world.session().await;
    rows::put(&world, &rows::replied(&world, 1, "Answer")).await;
    rows::put(&world, &rows::running(&world, 2)).await;
    (world, token)
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_passed_on() {
    let (world, token) = world().await;
    let body = json!({ "rating": "down", "comment": "It is period 4." });
    world.post("/sessions/s/turns/1/feedback", &body).token(&token).send().await.ok(204);
    world
        .post("/sessions/s/turns/1/feedback", &json!({ "rating": "up", "comment": "" }))
        .token(&token)
        .send()
        .await
        .ok(204);
    let mut queued = World::bodies(&world.replies).await;
    queued.sort_by_key(|body| body["rating"].as_str() == Some("up"));
    assert_eq!(queued[0]["type"], "feedback");
    assert_eq!((&queued[0]["turn"], &queued[0]["rating"]), (&json!(1), &json!("down")));
    assert_eq!(queued[0]["comment"], "It is period 4.");
    assert_eq!(queued[1]["comment"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_rated_ten_times_an_hour_at_most() {
    let (world, token) = world().await;
    let rate = || {
        let body = json!({ "rating": "up" });
        world.post("/sessions/s/turns/1/feedback", &body).token(&token).send()
    };
    for _ in 0..10 {
        rate().await.ok(204);
    }
    for _ in 0..50 {
        rate().await.refused(429, None);
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_final_can_have_a_verdict() {
    let (world, token) = world().await;
    let verdict = json!({ "rating": "up" });
    world
        .post("/sessions/s/turns/2/feedback", &verdict)
        .token(&token)
        .send()
        .await
        .refused(409, None);
    for turn in ["3", "0", "x", "99999999999999999999"] {
        let path = format!("/sessions/s/turns/{turn}/feedback");
        world.post(&path, &verdict).token(&token).send().await.refused(404, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_verdict_is_named() {
    let (world, token) = world().await;
    for (body, field) in [
        (json!({}), "rating"),
        (json!({ "rating": "sideways" }), "rating"),
        (json!({ "rating": "up", "comment": 1 }), "comment"),
        (json!({ "rating": "up", "comment": "é".repeat(2_001) }), "comment"),
        (json!({ "rating": "up", "comment": "\u{7}" }), "comment"),
    ] {
        world
            .post("/sessions/s/turns/1/feedback", &body)
            .token(&token)
            .send()
            .await
            .refused(400, Some(field));
    }
    let longest = json!({ "rating": "up", "comment": "é".repeat(2_000) });
    world.post("/sessions/s/turns/1/feedback", &longest).token(&token).send().await.ok(204);
}
