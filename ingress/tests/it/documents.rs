//! `GET /documents`.

use serde_json::json;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_caller_sees_only_what_it_may_read() {
    let world = World::new();
    let token = world.session().await;
    let answer = world.get("/documents").token(&token).send().await.ok(200);
    assert_eq!(
        answer.json,
        json!({ "documents": [{ "id": "public", "title": "Title of public" }] })
    );
}
