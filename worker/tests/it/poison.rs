//! Bodies that are no requests: answered by an error where somebody waits, refused loudly
//! everywhere else.

use serde_json::{Value, json};
use shared::domain::{ErrorCode, MessageId, SessionId, SessionKey, TurnKind};
use shared::ports::EventSource as _;
use shared::protocol::TurnState;
use shared::queue_messages::BodyError;
use worker::WorkerError;

use crate::support::world::{Ended, START, principal};
use crate::support::{FakeModel, Fault, PortCall, World};

const TEXT: &str = "Period 3 is maths.";

fn world() -> (std::sync::Arc<FakeModel>, World) {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    (model, world)
}

/// Records a message, and returns its pointer.
async fn pointer(world: &World, id: &str) -> Value {
    world.record(&world.submission(id, "question")).await;
    json!({
        "v": 1, "type": "message", "session_key": world.key, "message_id": id, "accepted_at": START
    })
}

/// Returns the value with other fields; `null` removes one.
fn with(mut body: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(name)),
            value => body[name] = value.clone(),
        }
    }
    body
}

async fn post(world: &World, body: &Value) {
    world.post(world.key.as_str(), body.to_string()).await;
}

/// Checks that a pointer with such damage ends its turn as an error, at once and for good.
async fn check_answered(damage: Value) {
    let (model, world) = world();
    let body = with(pointer(&world, "m1").await, &damage);
    post(&world, &body).await;
    assert!(matches!(world.deliver().await, Ended::Acked), "{body}");
    let turn = world.final_of(1).await;
    assert_eq!((turn.kind, turn.message_id.as_str()), (Some(TurnKind::Error), "m1"), "{body}");
    assert_eq!(turn.error.unwrap().code, ErrorCode::InvalidRequest);
    assert_eq!((model.calls(), world.enqueued().await), (0, vec![1]));
    assert!(world.requests.is_empty() && world.requests.dead_letters(10).await.unwrap().is_empty());
}

/// Checks that a body becomes a dead letter, that nothing comes of it, and that its group goes on.
async fn check_refused(world: &World, model: &FakeModel, group: &str, body: &str) {
    let rows = world.table.dump();
    let calls = model.calls();
    let dead = world.requests.dead_letters(100).await.unwrap().len();
    world.post(group, body).await;
    for _ in 0..10 {
        let ended = world.deliver().await;
        assert!(matches!(ended, Ended::Failed(WorkerError::Body(_))), "{body}: {ended:?}");
    }
    // The next receive moves it away.
    assert!(world.requests.receive(1).await.unwrap().is_empty());
    while world.requests.dead_letters(100).await.unwrap().len() == dead {
        world.requests.ready().await;
        assert!(world.requests.receive(1).await.unwrap().is_empty());
    }
    assert_eq!(
        (world.table.dump(), model.calls(), world.enqueued().await),
        (rows, calls, vec![]),
        "{body}"
    );
    let after = world.submission("after", "question");
    let number = world.meta().await.map_or(1, |meta| meta.next_turn.get());
    if world.meta().await.is_none_or(|meta| !meta.deleted)
        && world.message(&after.message_id).await.is_none()
    {
        world.accept(&after).await;
        world.drain().await;
        assert_eq!(
            (world.final_of(number).await.kind, world.enqueued().await),
            (Some(TurnKind::Reply), vec![number])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_pointer_whose_ids_can_be_read_ends_its_turn_as_an_error() {
    for damage in [
        json!({ "accepted_at": null }),
        json!({ "accepted_at": "noon" }),
        json!({ "trace": 7 }),
        json!({ "type": null }),
        json!({ "type": 7 }),
        json!({ "v": null }),
        json!({ "v": "1" }),
        json!({ "v": null, "type": null, "accepted_at": null, "unknown": [] }),
    ] {
        check_answered(damage).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_ends_by_a_damaged_pointer_keeps_its_place() {
    let (model, world) = world();
    world.say("m1").await;
    let damaged = with(pointer(&world, "m2").await, &json!({ "accepted_at": null }));
    post(&world, &damaged).await;
    world.say("m3").await;
    world.drain().await;
    let mut kinds = Vec::new();
    for number in 1..=3 {
        kinds.push(world.final_of(number).await.kind.unwrap());
    }
    assert_eq!(kinds, [TurnKind::Reply, TurnKind::Error, TurnKind::Reply]);
    assert_eq!((world.enqueued().await, model.calls()), (vec![1, 2, 3], 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_damaged_beyond_its_ids_becomes_a_dead_letter_and_its_group_goes_on() {
    for damage in [
        json!({ "session_key": null }),
        json!({ "session_key": "short" }),
        json!({ "message_id": null }),
        json!({ "message_id": "not an id" }),
        json!({ "message_id": "unrecorded", "accepted_at": null }),
        json!({ "type": "reminder" }),
        json!({ "type": "submit" }),
    ] {
        let (model, world) = world();
        let body = with(pointer(&world, "m1").await, &damage);
        check_refused(&world, &model, world.key.as_str(), &body.to_string()).await;
    }
    for body in ["?", "null", "[]", "{}", "{\"v\":1", "\"message\""] {
        let (model, world) = world();
        check_refused(&world, &model, world.key.as_str(), body).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_pointer_in_another_sessions_group_reaches_nobody() {
    let (model, world) = world();
    let body = with(pointer(&world, "m1").await, &json!({ "accepted_at": null }));
    let other = SessionKey::derive(&principal(), &SessionId::parse("other").unwrap());
    check_refused(&world, &model, other.as_str(), &body.to_string()).await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_pointer_into_a_deleted_session_becomes_a_dead_letter() {
    let (model, world) = world();
    let body = with(pointer(&world, "m1").await, &json!({ "accepted_at": null }));
    world.delete().await;
    check_refused(&world, &model, world.key.as_str(), &body.to_string()).await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_version_waits_for_a_newer_worker_and_is_never_answered() {
    let (model, world) = world();
    let body = with(
        pointer(&world, "m1").await,
        &json!({ "v": 2, "accepted_at": "2026-11-23T10:11:00Z" }),
    );
    post(&world, &body).await;
    for receive in 0..10 {
        let ended = world.deliver().await;
        assert!(
            matches!(ended, Ended::Failed(WorkerError::Body(BodyError::Version(2)))),
            "{ended:?}"
        );
        assert_eq!(world.elapsed().as_secs(), 60 * receive, "a deployment takes minutes");
    }
    world.say("m2").await;
    assert!(matches!(world.deliver().await, Ended::Acked), "the group goes on");
    assert_eq!((world.final_of(1).await.message_id.as_str(), model.calls()), ("m2", 1));
    let dead = world.requests.dead_letters(10).await.unwrap();
    assert_eq!((dead.len(), &dead[0].body), (1, &body.to_string()), "whole, for a redrive");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_pointer_to_a_turn_that_is_over_changes_nothing() {
    let (model, world) = world();
    world.say("m1").await;
    world.drain().await;
    world.enqueued().await;
    let body = json!({ "v": 1, "type": "message", "session_key": world.key, "message_id": "m1" });
    let before = world.final_of(1).await;
    post(&world, &body).await;
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert_eq!((world.final_of(1).await, model.calls()), (before, 1));
    world.mark_delivered(1).await;
    post(&world, &with(body, &json!({ "trace": 7 }))).await;
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert_eq!(world.final_of(1).await.state, TurnState::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_pointer_to_a_stopped_message_ends_as_cancelled() {
    let (_, world) = world();
    let body = with(pointer(&world, "m1").await, &json!({ "accepted_at": null }));
    world.stop(&MessageId::parse("m1").unwrap()).await;
    post(&world, &body).await;
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert_eq!(world.final_of(1).await.kind, Some(TurnKind::Cancelled));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_over_a_damaged_pointer_loses_and_doubles_nothing() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::Fail, Fault::LoseAck] {
        for nth in 1.. {
            let (model, world) = world();
            let body = with(pointer(&world, "m1").await, &json!({ "accepted_at": null }));
            post(&world, &body).await;
            world.faults.anywhere(nth, fault.clone());
            world.deliver().await;
            if world.faults.heal() {
                assert!(nth > 5, "the story has more calls than {nth}");
                break;
            }
            world.drain().await;
            let turn = world.final_of(1).await;
            assert_eq!(
                (turn.kind, model.calls(), world.commits().len()),
                (Some(TurnKind::Error), 0, 1),
                "call {nth}"
            );
            assert!(world.enqueued().await.contains(&1), "call {nth}");
        }
    }
}

/// Checks that a submission with such fields is acknowledged and that nothing comes of it.
async fn check_forgotten(fields: Value) {
    let (model, world) = world();
    let rows = world.table.dump();
    post(&world, &with(submission(), &fields)).await;
    assert!(matches!(world.deliver().await, Ended::Acked), "no later try can succeed");
    assert_eq!((world.table.dump(), model.calls(), world.enqueued().await), (rows, 0, vec![]));
}

fn submission() -> Value {
    json!({
        "v": 1, "type": "submit", "principal": principal(), "session_id": "lesson",
        "message_id": "m1",
        "accepted_at": START, "message": "question",
    })
}

#[tokio::test(start_paused = true)]
async fn a_submitted_text_that_ingress_would_refuse_is_refused_for_good() {
    check_forgotten(json!({ "message": "" })).await;
    check_forgotten(json!({ "message": "x".repeat(16_001) })).await;
    check_forgotten(json!({ "message": "a\u{1}b" })).await;
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_is_damaged_otherwise_becomes_a_dead_letter() {
    for fields in [
        json!({ "message": null }),
        json!({ "message": 7 }),
        json!({ "principal": "nobody" }),
        json!({ "provider": "oracle" }),
        json!({ "accepted_at": "noon" }),
        json!({ "message": "", "v": 2 }),
        json!({ "message": "", "type": "whisper" }),
    ] {
        let (model, world) = world();
        check_refused(&world, &model, world.key.as_str(), &with(submission(), &fields).to_string())
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_tried_again_and_no_refusal() {
    let (_, world) = world();
    let body = with(pointer(&world, "m1").await, &json!({ "accepted_at": null }));
    post(&world, &body).await;
    world.faults.during(PortCall::Get, 1..=100, Fault::Fail);
    assert!(matches!(world.deliver().await, Ended::Failed(WorkerError::Store(_))));
    world.faults.heal();
    world.drain().await;
    assert_eq!(world.final_of(1).await.kind, Some(TurnKind::Error));
}
