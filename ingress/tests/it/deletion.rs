//! `DELETE /sessions/{id}`.

use std::sync::atomic::Ordering;

use serde_json::json;
use shared::domain::ConnectionId;
use shared::memory::ConnectionState;

use crate::rows;
use crate::world::World;

async fn lived_in() -> (World, String, ConnectionId) {
    let world = World::new();
    let token = world.session().await;
    world.say(&token, "m9", "Something private").await;
    rows::put(&world, &rows::replied(&world, 1, "Something private")).await;
    let connection = ConnectionId::new("c1=");
    let session = world.connect(&token).await;
    world.resume(&connection, &session, 0).await;
    (world, token, connection)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_but_a_marker_without_content() {
    let (world, token, connection) = lived_in().await;
    let key = rows::key_of_s(&world);
    world.delete("/sessions/s").token(&token).send().await.ok(204);
    let left: Vec<_> = world
        .store
        .inner
        .dump()
        .into_iter()
        .filter(|item| item.key.partition == key.as_str())
        .collect();
    assert_eq!(left.len(), 1);
    let names: Vec<&str> = left[0].attributes.keys().map(String::as_str).collect();
    assert_eq!(names, ["created_at", "deleted", "expires_at", "next_turn"]);
    assert_eq!(world.push.state(&connection), ConnectionState::Gone);
    let notices = World::bodies(&world.replies).await;
    assert_eq!(notices.len(), 1);
    assert_eq!((&notices[0]["type"], &notices[0]["session_id"]), (&json!("deleted"), &json!("s")));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_delete_is_the_same_and_a_session_that_never_was_is_absent() {
    let (world, token, _) = lived_in().await;
    world.delete("/sessions/s").token(&token).send().await.ok(204);
    world.delete("/sessions/s").token(&token).send().await.ok(204);
    world.delete("/sessions/never").token(&token).send().await.refused(404, None);
    assert_eq!(World::bodies(&world.replies).await.len(), 1);
    world.get("/sessions/s/turns").token(&token).send().await.refused(404, None);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_died_is_finished_by_the_next_one() {
    let (world, token, _) = lived_in().await;
    world.replies.down.store(true, Ordering::SeqCst);
    world.delete("/sessions/s").token(&token).send().await.refused(503, None);
    assert_eq!(world.store.count("T#"), 0);
    world.replies.down.store(false, Ordering::SeqCst);
    world.delete("/sessions/s").token(&token).send().await.ok(204);
    assert_eq!(World::bodies(&world.replies).await.len(), 1);
    let tombstone = world.store.inner.dump().into_iter().find(|item| item.flag("deleted")).unwrap();
    assert_eq!(tombstone.number("due"), None);
}
