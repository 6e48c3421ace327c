//! `POST /sessions/{id}/stop`.

use serde_json::json;
use shared::ports::store::Store as _;
use shared::protocol::keys;

use crate::rows;
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_stop_flags_the_message_for_its_claim() {
    let world = World::new();
    let token = world.session().await;
    world.say(&token, "m1", "Hello").await;
    world
        .post("/sessions/s/stop", &json!({ "message_id": "m1" }))
        .token(&token)
        .send()
        .await
        .ok(202);
    let key = keys::message(&rows::key_of_s(&world), &"m1".to_owned().try_into().unwrap());
    assert!(world.store.inner.get(&[key]).await.unwrap()[0].as_ref().unwrap().flag("cancel"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_of_what_is_not_there_has_no_effect() {
    let world = World::new();
    let token = world.session().await;
    world
        .post("/sessions/s/stop", &json!({ "message_id": "unknown" }))
        .token(&token)
        .send()
        .await
        .ok(202);
    assert_eq!(world.store.count("M#"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_names_its_message() {
    let world = World::new();
    let token = world.session().await;
    for body in [json!({}), json!({ "message_id": 1 }), json!({ "message_id": "a b" })] {
        world
            .post("/sessions/s/stop", &body)
            .token(&token)
            .send()
            .await
            .refused(400, Some("message_id"));
    }
}
