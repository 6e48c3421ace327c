//! Every documented answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use ingress::Ingress;
use ingress::config::RateLimits;
use serde_json::{Value, json};
use shared::domain::{DocumentId, Principal, sha256_hex};
use shared::ports::{Document, DocumentSummary, Documents, DocumentsError};
use shared::protocol::TurnRow;

use super::door::{Door, Operation};
use crate::rows;
use crate::world::{Ask, HANDBOOK, World};

const JSON: &str = "application/json";

/// A session `s` with a turn of every kind; the fourth is being answered.
async fn filled() -> (World, String) {
    let world = World::new();
    let token = world.session().await;
    rows::put(&world, &rows::replied(&world, 1, "Maths.")).await;
    rows::put(&world, &rows::failed(&world, 2)).await;
    let kind = shared::domain::TurnKind::Cancelled;
    let reason = shared::domain::FinishReason::Cancelled;
    let row = rows::replied(&world, 3, "");
    rows::put(
        &world,
        &TurnRow { kind: Some(kind), finish_reason: Some(reason), provider: None, ..row },
    )
    .await;
    let partial = Some("On Fri".to_owned());
    rows::put(&world, &TurnRow { partial, ..rows::running(&world, 4) }).await;
    (world, token)
}

fn with<'w>(ask: Ask<'w>, token: &str, body: &Value) -> Ask<'w> {
    ask.token(token).header("content-type", JSON).body(body.to_string())
}

#[tokio::test(start_paused = true)]
async fn every_documented_answer_is_given_and_no_other() {
    let mut door = Door::new();
    successes(&mut door).await;
    examples(&mut door).await;
    wrong_requests(&mut door).await;
    refused_callers(&mut door).await;
    absent_sessions(&mut door).await;
    conflicts(&mut door).await;
    wrong_bodies(&mut door).await;
    limits(&mut door).await;
    ratings(&mut door).await;
    outages(&mut door).await;
    assert_eq!(door.seen, door.documented());
}

async fn successes(door: &mut Door) {
    let (world, token) = filled().await;
    let create = Operation::new("post", "/sessions");
    let created = door.expect(201, &create, create.ask(&world)).await;
    assert!(created.json.get("session_token").is_some());
    let health = Operation::new("get", "/health");
    door.expect(200, &health, health.ask(&world)).await;
    let documents = Operation::new("get", "/documents");
    door.expect(200, &documents, documents.ask(&world).token(&token)).await;
    let passage = Operation::new("get", "/documents/{document_id}/passages/{ordinal}");
    let version = format!("?version={}", sha256_hex(HANDBOOK));
    let read = passage.ask_on(&world, "s", 1, &version).token(&token);
    door.expect(200, &passage, read).await;
    let turns = Operation::new("get", "/sessions/{session_id}/turns");
    let history = door.expect(200, &turns, turns.ask(&world).token(&token)).await;
    assert_eq!(history.json["turns"].as_array().unwrap().len(), 4);
    let waited = turns.ask_on(&world, "s", 1, "?after=3&wait=60").token(&token);
    assert!(door.expect(200, &turns, waited).await.header("retry-after").is_some());
    let tickets = Operation::new("post", "/sessions/{session_id}/tickets");
    door.expect(201, &tickets, tickets.ask(&world).token(&token)).await;
    let delete = Operation::new("delete", "/sessions/{session_id}");
    door.expect(204, &delete, delete.ask(&world).token(&token)).await;
}

/// Sends every body that the contract gives as an example.
async fn examples(door: &mut Door) {
    for operation in Operation::all(&door.contract) {
        for example in operation.examples(&door.contract) {
            let (world, token) = filled().await;
            let success =
                door.documented().into_iter().find(|(one, _)| *one == operation).unwrap().1;
            door.expect(
                success.parse().unwrap(),
                &operation,
                with(operation.ask(&world), &token, &example),
            )
            .await;
        }
    }
}

/// What the schema refuses is a 400.
async fn wrong_requests(door: &mut Door) {
    let create = Operation::new("post", "/sessions");
    let chat = Operation::new("post", "/chat");
    let stop = Operation::new("post", "/sessions/{session_id}/stop");
    let feedback = Operation::new("post", "/sessions/{session_id}/turns/{turn}/feedback");
    let (world, token) = filled().await;
    for (operation, body) in [
        (&create, json!([])),
        (&create, json!({ "session_id": 1 })),
        (&create, json!({ "session_id": "a b" })),
        (&chat, json!({})),
        (&chat, json!({ "message": "" })),
        (&chat, json!({ "message": "x".repeat(16_001) })),
        (&chat, json!({ "message": "a\u{b}b" })),
        (&chat, json!({ "message": "a\u{ffff}b" })),
        (&chat, json!({ "message": "x", "message_id": "x".repeat(129) })),
        (&chat, json!({ "message": "x", "context": "d" })),
        (&chat, json!({ "message": "x", "context": { "document_id": "a/b" } })),
        (&chat, json!({ "message": "x", "provider": "gemini" })),
        (&stop, json!({})),
        (&stop, json!({ "message_id": null })),
        (&feedback, json!({ "rating": "sideways" })),
        (&feedback, json!({ "rating": "up", "comment": "x".repeat(2_001) })),
        (&feedback, json!({ "rating": "up", "comment": "\u{1}" })),
    ] {
        let schema = operation.body_schema(&door.contract).unwrap();
        assert!(door.contract.refusal(&schema, &body).is_some(), "the contract takes {body}");
        door.expect(400, operation, with(operation.ask(&world), &token, &body)).await;
    }
    let turns = Operation::new("get", "/sessions/{session_id}/turns");
    for query in ["?limit=0", "?limit=101", "?after=-1", "?before=0", "?wait=x"] {
        let answer =
            door.expect(400, &turns, turns.ask_on(&world, "s", 1, query).token(&token)).await;
        let parameters =
            door.contract.at(&format!("{}/parameters", turns.pointer())).as_array().unwrap();
        assert!(parameters.iter().any(|parameter| parameter["name"] == answer.json["field"]));
    }
    let passage = Operation::new("get", "/documents/{document_id}/passages/{ordinal}");
    for query in ["?version=", "?version=abc", "?other=1"] {
        let read = passage.ask_on(&world, "s", 1, query).token(&token);
        assert_eq!(door.expect(400, &passage, read).await.json["field"], "version");
    }
    let header =
        with(chat.ask(&world), &token, &json!({ "message": "x" })).header("idempotency-key", "a b");
    assert_eq!(door.expect(400, &chat, header).await.json["field"], "Idempotency-Key");
}

/// Bad credentials are refused everywhere, and none where the contract does not allow it.
async fn refused_callers(door: &mut Door) {
    let (world, _) = filled().await;
    for operation in door.answering(401) {
        let forged = operation.ask(&world).token("yogi1.e30.e30");
        door.expect(401, &operation, forged).await;
        let security = &door.contract.at(&operation.pointer())["security"];
        let open = security.as_array().is_some_and(|schemes| schemes.contains(&json!({})));
        let answer = operation.ask(&world).send().await;
        assert_eq!(answer.status.as_u16() != 401, open, "{operation:?} without credentials");
    }
    let needless: Vec<_> = Operation::all(&door.contract)
        .into_iter()
        .filter(|one| door.contract.at(&one.pointer())["security"] == json!([]))
        .collect();
    assert_eq!(needless, [Operation::new("get", "/health")]);
}

async fn absent_sessions(door: &mut Door) {
    let (world, token) = filled().await;
    world.delete("/sessions/s").token(&token).send().await.ok(204);
    for operation in door.answering(404) {
        let body = json!({ "session_id": "s", "message": "x", "message_id": "m1", "rating": "up" });
        let session = if operation.method == "delete" { "never" } else { "s" };
        let ask = operation.ask_on(&world, session, 1, "");
        door.expect(404, &operation, with(ask, &token, &body)).await;
    }
}

async fn conflicts(door: &mut Door) {
    let (world, token) = filled().await;
    world.say(&token, "m9", "Hello").await;
    let chat = Operation::new("post", "/chat");
    let body = json!({ "session_id": "s", "message_id": "m9", "message": "Other" });
    door.expect(409, &chat, with(chat.ask(&world), &token, &body)).await;
    let feedback = Operation::new("post", "/sessions/{session_id}/turns/{turn}/feedback");
    let ask = feedback.ask_on(&world, "s", 4, "");
    door.expect(409, &feedback, with(ask, &token, &json!({ "rating": "up" }))).await;
}

async fn wrong_bodies(door: &mut Door) {
    let (world, token) = filled().await;
    for operation in door.answering(413) {
        let ask = operation.ask(&world).token(&token).header("content-type", JSON);
        door.expect(413, &operation, ask.body(vec![b' '; 65_537])).await;
    }
    for operation in door.answering(415) {
        let ask = operation.ask(&world).token(&token).header("content-type", "text/plain");
        door.expect(415, &operation, ask.body("{}")).await;
    }
}

async fn ratings(door: &mut Door) {
    let (world, token) = filled().await;
    let feedback = Operation::new("post", "/sessions/{session_id}/turns/{turn}/feedback");
    let rate = || with(feedback.ask_on(&world, "s", 1, ""), &token, &json!({ "rating": "up" }));
    for _ in 0..10 {
        rate().send().await.ok(204);
    }
    door.expect(429, &feedback, rate()).await;
}

async fn limits(door: &mut Door) {
    let rates = RateLimits { principal_per_minute: 1, address_per_5_minutes: 0 };
    let world = World::configured(|config| config.rates = rates);
    let token = world.session().await;
    world.say(&token, "m1", "x").await;
    let feedback = Operation::new("post", "/sessions/{session_id}/turns/{turn}/feedback");
    for operation in door.answering(429) {
        if operation == feedback {
            continue;
        }
        let body = json!({ "message": "x", "session_id": "another" });
        door.expect(429, &operation, with(operation.ask(&world), &token, &body)).await;
    }
}

async fn outages(door: &mut Door) {
    let (mut world, token) = filled().await;
    world.store.down.store(true, Ordering::SeqCst);
    world.ports.documents = Arc::new(Away);
    world.ingress = Ingress::new(world.ports.clone(), world.config.clone());
    for operation in door.answering(503) {
        let body = json!({ "message": "x", "message_id": "m1", "rating": "up" });
        door.expect(503, &operation, with(operation.ask(&world), &token, &body)).await;
    }
}

/// Documents that are away.
struct Away;

#[async_trait]
impl Documents for Away {
    async fn fetch(
        &self,
        _: &DocumentId,
        _: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        Err(DocumentsError::Unavailable("away".into()))
    }

    async fn list(&self, _: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        Err(DocumentsError::Unavailable("away".into()))
    }
}
