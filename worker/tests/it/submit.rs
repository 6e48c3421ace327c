//! Messages that a producer puts on the queue itself: ingress's rules, without the rate limit.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{MessageId, MessageText, Principal, SessionId, Timestamp, TurnKind};
use shared::ports::{Clock as _, Durability, OutgoingMessage, Queue as _};
use shared::queue_messages::{RequestMessage, Submit};
use worker::WorkerError;

use crate::support::world::{Ended, START, pass, principal};
use crate::support::{FakeModel, Fault, PortCall, Setup, World, session};

fn submit(id: &str, accepted_at: Timestamp) -> Submit {
    Submit {
        principal: principal(),
        session_id: session(),
        message_id: MessageId::parse(id).unwrap(),
        accepted_at,
        message: MessageText::parse("question").unwrap(),
        document_id: None,
        provider: None,
        trace: None,
        replay: None,
    }
}

async fn send(world: &World, group: &str, submit: &Submit) {
    let body = RequestMessage::Submit(submit.clone()).to_body();
    let deduplication_id = format!(
        "{group}-{}-{}-{}",
        submit.session_id,
        submit.message_id,
        world.elapsed().as_nanos()
    );
    let outgoing = OutgoingMessage {
        group: group.to_owned(),
        deduplication_id,
        body,
        durability: Durability::Synced,
    };
    world.requests.send(outgoing).await.unwrap();
}

fn world() -> (Arc<FakeModel>, World) {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::new(&model);
    (model, world)
}

/// Checks that a message is acknowledged and that nothing came of it.
async fn check_refused(world: &World, model: &FakeModel, group: &str, submit: &Submit) {
    let rows = world.table.dump();
    let calls = model.calls();
    send(world, group, submit).await;
    assert!(matches!(world.deliver().await, Ended::Acked), "no later try can succeed");
    assert_eq!(world.table.dump(), rows);
    assert_eq!((model.calls(), world.enqueued().await), (calls, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_submitted_message_is_recorded_and_answered() {
    let (_, world) = world();
    send(&world, world.key.as_str(), &submit("m1", START)).await;
    world.drain().await;
    let turn = world.final_of(1).await;
    assert_eq!(
        (turn.kind, turn.synthetic, world.enqueued().await),
        (Some(TurnKind::Reply), false, vec![1])
    );
    assert!(world.message(&turn.message_id).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_operators_turns_are_synthetic() {
    let (_, world) = world();
    let submit = Submit { principal: Principal::parse("op:batch").unwrap(), ..submit("m1", START) };
    let key = submit.submission().session_key();
    send(&world, key.as_str(), &submit).await;
    world.drain().await;
    let turn = world.table.dump().into_iter().find(|item| item.key.sort.starts_with("T#")).unwrap();
    assert!(turn.flag("synthetic"));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_submission_is_answered_once() {
    let (model, world) = world();
    for _ in 0..2 {
        send(&world, world.key.as_str(), &submit("m1", START)).await;
        world.drain().await;
        pass(400_000).await;
    }
    assert_eq!(
        (model.calls(), world.commits().len(), world.meta().await.unwrap().accepted),
        (1, 1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_submission_in_a_foreign_group_is_refused() {
    let (model, world) = world();
    check_refused(&world, &model, "another-group", &submit("m1", START)).await;
    let foreign = Submit { session_id: SessionId::parse("other").unwrap(), ..submit("m1", START) };
    check_refused(&world, &model, world.key.as_str(), &foreign).await;
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_is_twelve_hours_old_is_refused() {
    let (model, world) = world();
    pass(12 * 3_600_000).await;
    check_refused(&world, &model, world.key.as_str(), &submit("m1", START)).await;
    send(&world, world.key.as_str(), &submit("m2", START.plus(Duration::from_secs(1)))).await;
    world.drain().await;
    assert_eq!(world.final_of(1).await.message_id.as_str(), "m2");
}

#[tokio::test(start_paused = true)]
async fn a_submission_older_than_half_a_sessions_life_is_refused() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::of(Setup::new(vec![model.clone()]).with("CHATBOT_SESSION_TTL_HOURS", "2"));
    pass(3_600_000).await;
    check_refused(&world, &model, world.key.as_str(), &submit("m1", START)).await;
}

#[tokio::test(start_paused = true)]
async fn an_id_that_was_used_with_another_body_is_refused() {
    let (model, world) = world();
    send(&world, world.key.as_str(), &submit("m1", START)).await;
    world.drain().await;
    world.enqueued().await;
    let other =
        Submit { message: MessageText::parse("another question").unwrap(), ..submit("m1", START) };
    check_refused(&world, &model, world.key.as_str(), &other).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_submitted_to_a_deleted_session() {
    let (model, world) = world();
    world.say("m1").await;
    world.drain().await;
    world.enqueued().await;
    world.delete().await;
    check_refused(&world, &model, world.key.as_str(), &submit("m2", world.clock.now())).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_submitted_in_the_last_hour_of_the_longest_life() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::of(Setup::new(vec![model.clone()]).with("CHATBOT_SESSION_TTL_HOURS", "168"));
    send(&world, world.key.as_str(), &submit("m1", START)).await;
    world.drain().await;
    world.enqueued().await;
    pass(167 * 3_600_000).await;
    check_refused(&world, &model, world.key.as_str(), &submit("m2", world.clock.now())).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_with_too_many_unfinished_messages_is_refused() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world =
        World::of(Setup::new(vec![model.clone()]).with("CHATBOT_MAX_WAITING_MESSAGES", "2"));
    for id in ["m1", "m2"] {
        world.say(id).await;
        let waiting = world.receive().await;
        shared::ports::EventSource::delete(world.requests.as_ref(), &waiting.receipt)
            .await
            .unwrap();
    }
    check_refused(&world, &model, world.key.as_str(), &submit("m3", START)).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_no_refusal() {
    let (_, world) = world();
    send(&world, world.key.as_str(), &submit("m1", START)).await;
    world.faults.on(PortCall::Record, 1, Fault::LoseAck);
    assert!(matches!(world.deliver().await, Ended::Failed(WorkerError::Store(_))));
    world.drain().await;
    assert_eq!(
        (world.final_of(1).await.kind, world.meta().await.unwrap().accepted),
        (Some(TurnKind::Reply), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_trace_without_end_is_left_out_of_the_turn() {
    let (_, world) = world();
    let kept = Submit { trace: Some("t".repeat(256)), ..submit("m1", START) };
    let left_out = Submit { trace: Some("t".repeat(500_000)), ..submit("m2", START) };
    send(&world, world.key.as_str(), &kept).await;
    send(&world, world.key.as_str(), &left_out).await;
    world.drain().await;
    assert_eq!(world.final_of(1).await.trace, kept.trace);
    assert_eq!(world.final_of(2).await.trace, None);
}
