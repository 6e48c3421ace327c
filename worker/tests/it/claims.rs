//! Step 2 of the protocol: whose turn it is, and in which generation.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ErrorCode, TurnKind};
use shared::ports::{Durability, EventSource as _, Queue as _, Store as _};
use shared::protocol::TurnOutcome;
use shared::protocol::claim::{ClaimInput, end_predecessor};
use shared::protocol::{Turn, TurnState};
use shared::queue_messages::RequestMessage;
use worker::WorkerError;

use crate::support::world::{Ended, START, pass};
use crate::support::{FakeModel, Fault, PortCall, World, finish, says, wait};

const TEXT: &str = "Period 3 is maths.";

#[tokio::test(start_paused = true)]
async fn a_message_becomes_turn_one_in_its_first_generation() {
    let model = FakeModel::saying(TEXT);
    let world = Arc::new(World::new(&model));
    let id = world.say("m1").await;
    let delivery = world.begin().await;
    pass(15).await;
    let turn = world.turn(1).await.unwrap();
    assert_eq!((turn.state, turn.epoch.0, &turn.message_id), (TurnState::Running, 1, &id));
    assert_eq!(turn.trace.as_deref(), Some("trace-1"));
    assert_eq!(world.message(&id).await.unwrap().turn.unwrap().get(), 1);
    assert_eq!(world.meta().await.unwrap().next_turn.get(), 2);
    assert!(matches!(delivery.await.unwrap(), Ended::Acked));
    let turn = world.final_of(1).await;
    assert_eq!(
        (turn.state, turn.kind, turn.text.as_deref()),
        (TurnState::Committed, Some(TurnKind::Reply), Some(TEXT))
    );
    assert_eq!(
        world.commits()[0].durability,
        Durability::Synced,
        "nothing is enqueued before it is durable"
    );
    assert_eq!(world.enqueued().await, [1]);
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_session_are_answered_in_their_order() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    for id in ["m1", "m2", "m3"] {
        world.say(id).await;
    }
    world.drain().await;
    for (number, id) in [(1, "m1"), (2, "m2"), (3, "m3")] {
        assert_eq!(world.final_of(number).await.message_id.as_str(), id);
    }
    assert_eq!(world.enqueued().await, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_message_waits_until_the_one_before_it_has_ended() {
    let model = FakeModel::claude(vec![[wait(500), says(TEXT, Duration::ZERO), finish()].concat()]);
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    world.say("m2").await;
    let first = world.begin().await;
    pass(100).await;
    assert!(world.requests.receive(10).await.unwrap().is_empty(), "the group is locked");
    assert!(matches!(first.await.unwrap(), Ended::Acked));
    world.drain().await;
    assert_eq!(world.enqueued().await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn of_two_deliveries_of_one_message_one_commits() {
    let slow = [wait(500), says(TEXT, Duration::ZERO), finish()].concat();
    let model = FakeModel::claude(vec![slow]);
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    let delivery = world.receive().await;
    let (one, other) = tokio::join!(world.handle(&delivery), world.handle(&delivery));
    let acked = [&one, &other].into_iter().filter(|ended| matches!(ended, Ended::Acked)).count();
    assert!(acked >= 1, "{one:?} {other:?}");
    assert_eq!(world.commits().len(), 1);
    assert_eq!(world.final_of(1).await.epoch.0, 2, "the later one took a generation");
}

#[tokio::test(start_paused = true)]
async fn two_claims_from_the_same_reading_give_one_turn() {
    let model = FakeModel::saying(TEXT);
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    let gate = world.faults.hold(PortCall::Claim, 1);
    let delivery = world.receive().await;
    let stalled = world.handle_in_background(&delivery);
    gate.reached().await;
    assert!(matches!(world.handle(&delivery).await, Ended::Acked));
    gate.open();
    assert!(matches!(stalled.await.unwrap(), Ended::Acked));
    assert_eq!(world.meta().await.unwrap().next_turn.get(), 2);
    assert_eq!((world.commits().len(), model.calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_redelivered_final_is_enqueued_again_without_a_model_call() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.on(PortCall::Send, 1, Fault::CrashBefore);
    assert!(matches!(world.deliver().await, Ended::Crashed));
    assert_eq!(world.final_of(1).await.state, TurnState::Committed);
    assert!(world.enqueued().await.is_empty());
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert_eq!((world.enqueued().await, model.calls(), world.commits().len()), (vec![1], 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_redelivered_turn_that_was_delivered_is_acknowledged() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    world.say("m1").await;
    let delivery = world.receive().await;
    assert!(matches!(world.handle(&delivery).await, Ended::Acked));
    world.enqueued().await;
    world.mark_delivered(1).await;
    assert!(matches!(world.handle(&delivery).await, Ended::Acked));
    assert_eq!((world.enqueued().await, model.calls()), (vec![], 1));
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_row_or_a_session_is_acknowledged() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    let unrecorded = world.submission("m1", "never recorded");
    world.requests.send(RequestMessage::pointer(&unrecorded, None)).await.unwrap();
    assert!(matches!(world.deliver().await, Ended::Acked));
    world.say("m2").await;
    world.delete().await;
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert_eq!((model.calls(), world.table.dump().len()), (0, 1), "only the tombstone is left");
}

/// Leaves turn 1 in RUN, its message dead, and sends a second message.
async fn abandoned(world: &World) {
    world.faults.on(PortCall::Next, 4, Fault::CrashBefore);
    world.say("m1").await;
    let delivery = world.receive().await;
    assert!(matches!(world.handle(&delivery).await, Ended::Crashed));
    world.requests.delete(&delivery.receipt).await.unwrap();
    world.say("m2").await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_predecessor_is_ended_as_an_error_and_order_is_kept() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    abandoned(&world).await;
    world.drain().await;
    let first = world.final_of(1).await;
    assert_eq!(
        (first.kind, first.error.unwrap().code),
        (Some(TurnKind::Error), ErrorCode::Abandoned)
    );
    assert_eq!(world.final_of(2).await.text.as_deref(), Some(TEXT));
    assert_eq!(world.enqueued().await, [1, 2]);
    assert!(
        model.prompts()[1].messages.iter().all(|message| !message.text.contains("m1")),
        "errors are no history"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_predecessor_that_was_stopped_is_ended_with_its_saved_text() {
    let model = FakeModel::claude(vec![
        [says("So far so ", Duration::from_secs(1)), wait(60_000)].concat(),
    ]);
    let world = Arc::new(World::new(&model));
    let id = world.say("m1").await;
    world.faults.on(PortCall::Checkpoint, 4, Fault::CrashAfter);
    let delivery = world.receive().await;
    assert!(matches!(world.handle(&delivery).await, Ended::Crashed));
    world.stop(&id).await;
    world.requests.delete(&delivery.receipt).await.unwrap();
    world.say("m2").await;
    let second = world.begin().await;
    pass(100).await;
    let first = world.final_of(1).await;
    assert_eq!(
        (first.kind, first.text.as_deref()),
        (Some(TurnKind::Cancelled), Some("So far so "))
    );
    assert_eq!(world.enqueued().await, [1]);
    second.abort();
}

#[tokio::test(start_paused = true)]
async fn a_dead_predecessors_final_is_enqueued_before_its_successors() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    abandoned(&world).await;
    world.faults.on(PortCall::Send, 1, Fault::Fail);
    assert!(matches!(world.deliver().await, Ended::Failed(WorkerError::Queue(_))));
    assert_eq!(world.final_of(1).await.kind, Some(TurnKind::Error));
    world.drain().await;
    assert_eq!(world.final_of(2).await.kind, Some(TurnKind::Reply));
}

#[tokio::test(start_paused = true)]
async fn a_stale_claim_never_ends_a_turn_that_another_worker_answers() {
    let model =
        FakeModel::claude(vec![[wait(2_000), says(TEXT, Duration::ZERO), finish()].concat()]);
    let world = Arc::new(World::new(&model));
    abandoned(&world).await;
    // It read that turn 1 is dead, and stalls before it ends it.
    let gate = world.faults.hold(PortCall::EndPredecessor, 1);
    let delivery = world.receive().await;
    let stalled = world.handle_in_background(&delivery);
    gate.reached().await;
    // Meanwhile another worker ends turn 1 and answers turn 2.
    let live = world.handle_in_background(&delivery);
    pass(500).await;
    assert_eq!(world.turn(2).await.unwrap().state, TurnState::Running);
    let commits = world.commits().len();
    gate.open();
    pass(10).await;
    assert_eq!(world.commits().len(), commits, "the stale one ended nothing");
    assert_eq!(world.turn(2).await.unwrap().state, TurnState::Running);
    live.await.unwrap();
    stalled.await.unwrap();
    world.drain().await;
    assert_eq!(world.commits().iter().filter(|commit| commit.turn == "T#0000000002").count(), 1);
    assert_eq!(world.final_of(2).await.kind, Some(TurnKind::Reply));
}

/// Checks that a running predecessor is not ended from a reading that another claim has overtaken.
#[tokio::test(start_paused = true)]
async fn a_reading_that_was_overtaken_ends_no_predecessor() {
    let world = World::new(&FakeModel::saying(TEXT));
    abandoned(&world).await;
    let message_id = world.submission("m2", "question").message_id;
    let turn = Turn::from(world.turn(1).await.unwrap());
    let session = world.meta().await.unwrap();
    let message = world.message(&message_id).await.unwrap();
    let mut overtaken = [
        (session.clone(), message.clone()),
        (session.clone(), message.clone()),
        (session, message),
    ];
    overtaken[0].0.next_turn = turn.turn;
    overtaken[1].1.cancel = true;
    for (index, (session, message)) in overtaken.iter().enumerate() {
        let input = ClaimInput {
            key: &world.key,
            session,
            message_id: &message_id,
            message,
            predecessor_is_final: false,
        };
        let writes = end_predecessor(input, &turn, &TurnOutcome::abandoned(&turn), START);
        let ended = world.table.transact(writes, Durability::Synced).await.is_ok();
        assert_eq!(ended, index == 2, "only the last reading is as it stands");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_stalled_past_its_deadline_does_not_try_again() {
    // Message 1 is a dead letter by the time its worker goes on, and turn 1 is that of message 2,
    // which runs.
    let model =
        FakeModel::claude(vec![[wait(10_000), says(TEXT, Duration::ZERO), finish()].concat()]);
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    let gate = world.faults.hold(PortCall::Claim, 1);
    let first = world.receive().await;
    let stalled = world.handle_in_background(&first);
    gate.reached().await;
    world.requests.delete(&first.receipt).await.unwrap();
    pass(160_000).await;
    world.say("m2").await;
    let live = world.begin().await;
    pass(500).await;
    gate.open();
    assert!(matches!(stalled.await.unwrap(), Ended::Failed(WorkerError::Deadline)));
    assert!(matches!(live.await.unwrap(), Ended::Acked));
    assert_eq!(world.final_of(1).await.kind, Some(TurnKind::Reply));
    assert_eq!(world.commits().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_turn_begun_too_often_ends_as_an_error_without_a_model_call() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.during(PortCall::Next, 1..=100, Fault::CrashBefore);
    for generation in 1..=4 {
        assert!(matches!(world.deliver().await, Ended::Crashed));
        assert_eq!(world.turn(1).await.unwrap().epoch.0, generation);
    }
    world.faults.heal();
    assert!(matches!(world.deliver().await, Ended::Acked));
    let turn = world.final_of(1).await;
    assert_eq!(
        (turn.epoch.0, turn.error.unwrap().code, model.calls()),
        (4, ErrorCode::AttemptsExhausted, 4)
    );
    assert_eq!(world.enqueued().await, [1]);
}

#[tokio::test(start_paused = true)]
async fn the_eighth_receive_ends_as_an_error_without_a_model_call() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    world.say("m1").await;
    // Before the claim, so that no generation is used up; each delivery tries it five times.
    world.faults.during(PortCall::Claim, 1..=35, Fault::Fail);
    for _ in 1..=7 {
        assert!(matches!(world.deliver().await, Ended::Failed(WorkerError::Store(_))));
    }
    let delivery = world.receive().await;
    assert_eq!(delivery.receive_count, 8);
    assert!(matches!(world.handle(&delivery).await, Ended::Acked));
    assert_eq!(world.final_of(1).await.error.unwrap().code, ErrorCode::AttemptsExhausted);
    assert_eq!((model.calls(), world.enqueued().await), (0, vec![1]));
}

#[tokio::test(start_paused = true)]
async fn a_failed_message_comes_back_soon_and_later_each_time() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.during(PortCall::Send, 1..=3, Fault::Fail);
    let mut seconds = Vec::new();
    for _ in 0..4 {
        world.deliver().await;
        seconds.push(world.elapsed().as_secs());
    }
    assert_eq!(seconds, [0, 2, 6, 12]);
    assert!(world.requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_the_store_throttles_is_tried_again_at_once() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.during(PortCall::Claim, 1..=3, Fault::Fail);
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert!(world.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_acknowledgement_was_lost_goes_on_with_its_turn() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.on(PortCall::Claim, 1, Fault::LoseAck);
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert_eq!(
        (world.meta().await.unwrap().next_turn.get(), world.final_of(1).await.epoch.0),
        (2, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_redriven_message_of_long_ago_is_absorbed() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    let old = world.submission("m1", "question");
    world.accept(&old).await;
    world.say("m2").await;
    world.drain().await;
    world.enqueued().await;
    pass(3_600_000).await;
    world.requests.send(RequestMessage::pointer(&old, None)).await.unwrap();
    world.drain().await;
    // After its successor: only the stored final is sent again.
    assert_eq!((world.enqueued().await, model.calls(), world.commits().len()), (vec![1], 2, 2));
}
