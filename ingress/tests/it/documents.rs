//! `GET /documents`, and the passages of documents.

use serde_json::json;
use shared::domain::sha256_hex;

use crate::world::{HANDBOOK, World};

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

#[tokio::test(start_paused = true)]
async fn a_cited_passage_is_read_as_it_was_cut() {
    let world = World::new();
    let token = world.session().await;
    let version = sha256_hex(HANDBOOK);
    let path = format!("/documents/public/passages/1?version={version}");
    let answer = world.get(&path).token(&token).send().await.ok(200);
    assert_eq!(
        answer.json,
        json!({
            "document_id": "public", "title": "Title of public", "version": version,
            "ordinal": 1, "headings": ["School 🏫", "Phones"], "start": 23, "end": 52,
            "text": "## Phones\n\nThey stay at home.",
        })
    );
    let upper = path.replace(&version, &version.to_ascii_uppercase());
    world.get(&upper).token(&token).send().await.ok(200);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_of_a_document_is_not_told() {
    let world = World::new();
    let token = world.session().await;
    let version = sha256_hex(HANDBOOK);
    let other = sha256_hex("another content");
    for (document, ordinal, version) in [
        ("alices", "1", &version),
        ("absent", "1", &version),
        ("a%20b", "1", &version),
        ("public", "2", &version),
        ("public", "4294967295", &version),
        ("public", "-1", &version),
        ("public", "1", &other),
    ] {
        let path = format!("/documents/{document}/passages/{ordinal}?version={version}");
        world.get(&path).token(&token).send().await.refused(404, None);
    }
}
