//! Steps 5 to 7 of the protocol: fences, stops, deletion, deadlines.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shared::domain::{ErrorCode, FinishReason, MicroUsd, ProviderName, TurnKind, Usage};
use shared::ports::EventSource as _;
use shared::protocol::TurnState;
use worker::WorkerError;

use crate::support::world::{Ended, pass};
use crate::support::{FakeModel, Fault, PortCall, Setup, Step, World, finish, says, wait};

const TEXT: &str = "Period 3 is maths in room 12.";
const SLOWLY: Duration = Duration::from_millis(600);

fn slow() -> Arc<FakeModel> {
    FakeModel::claude(vec![[says(TEXT, SLOWLY), finish()].concat()])
}

/// Takes over the turn of a delivery whose worker has stalled past its visibility.
async fn take_over(world: &Arc<World>) {
    pass(160_000).await;
    world.drain().await;
}

#[tokio::test(start_paused = true)]
async fn the_commit_of_a_worker_that_was_overtaken_is_refused_and_not_acknowledged() {
    let model = slow();
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    let gate = world.faults.hold(PortCall::Commit, 1);
    let zombie = world.begin().await;
    gate.reached().await;
    pass(160_000).await;
    let live = world.begin().await;
    pass(1_000).await;
    gate.open();
    assert!(matches!(zombie.await.unwrap(), Ended::Failed(WorkerError::Fenced)));
    assert!(world.commits().is_empty() && world.enqueued().await.is_empty());
    assert!(matches!(live.await.unwrap(), Ended::Acked));
    assert_eq!(
        (world.final_of(1).await.epoch.0, world.commits().len(), world.enqueued().await),
        (2, 1, vec![1])
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_wakes_after_the_commit_of_another_sends_the_stored_final() {
    let model = slow();
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    let gate = world.faults.hold(PortCall::Commit, 1);
    let zombie = world.begin().await;
    gate.reached().await;
    take_over(&world).await;
    gate.open();
    assert!(matches!(zombie.await.unwrap(), Ended::Acked));
    assert_eq!((world.commits().len(), world.final_of(1).await.epoch.0), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_checkpoint_ends_the_stream_at_once() {
    let model = FakeModel::claude(vec![[says(TEXT, SLOWLY), vec![Step::Hang]].concat()]);
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    let gate = world.faults.hold(PortCall::Checkpoint, 1);
    let delivery = world.receive().await;
    let zombie = world.handle_in_background(&delivery);
    gate.reached().await;
    let live = world.handle_in_background(&delivery);
    pass(10).await;
    gate.open();
    assert!(matches!(zombie.await.unwrap(), Ended::Failed(WorkerError::Fenced)));
    assert_eq!((model.dropped(), world.turn(1).await.unwrap().epoch.0), (1, 2));
    live.abort();
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_claim_ends_the_turn_without_a_model_call() {
    let model = slow();
    let world = World::new(&model);
    let id = world.say("m1").await;
    world.stop(&id).await;
    assert!(matches!(world.deliver().await, Ended::Acked));
    let turn = world.final_of(1).await;
    assert_eq!(
        (turn.kind, turn.finish_reason),
        (Some(TurnKind::Cancelled), Some(FinishReason::Cancelled))
    );
    assert_eq!((turn.text.as_deref(), turn.usage, model.calls()), (Some(""), None, 0));
    assert_eq!(world.enqueued().await, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_between_the_reading_and_the_claim_is_not_forgotten() {
    let model = slow();
    let world = Arc::new(World::new(&model));
    let id = world.say("m1").await;
    let gate = world.faults.hold(PortCall::Claim, 1);
    let delivery = world.begin().await;
    gate.reached().await;
    world.stop(&id).await;
    gate.open();
    assert!(matches!(delivery.await.unwrap(), Ended::Acked));
    assert_eq!((world.final_of(1).await.kind, model.calls()), (Some(TurnKind::Cancelled), 0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_streaming_keeps_the_text_so_far_and_drops_the_stream() {
    let model = slow();
    let world = Arc::new(World::new(&model));
    let id = world.say("m1").await;
    let delivery = world.begin().await;
    pass(1_900).await;
    world.stop(&id).await;
    let stopped = world.elapsed();
    assert!(matches!(delivery.await.unwrap(), Ended::Acked));
    let waited = world.elapsed().abs_diff(stopped);
    assert!(waited <= Duration::from_millis(1_100), "{waited:?}");
    let turn = world.final_of(1).await;
    assert_eq!(
        (turn.kind, turn.text.as_deref()),
        (Some(TurnKind::Cancelled), Some("Period 3 is "))
    );
    assert_eq!((model.dropped(), turn.partial, world.enqueued().await), (1, None, vec![1]));
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_the_last_checkpoint_still_cancels() {
    let model = slow();
    let world = Arc::new(World::new(&model));
    let id = world.say("m1").await;
    let gate = world.faults.hold(PortCall::Commit, 1);
    let delivery = world.begin().await;
    gate.reached().await;
    world.stop(&id).await;
    gate.open();
    assert!(matches!(delivery.await.unwrap(), Ended::Acked));
    let turn = world.final_of(1).await;
    assert_eq!((turn.kind, turn.text.as_deref()), (Some(TurnKind::Cancelled), Some(TEXT)));
    assert_eq!((world.commits().len(), world.enqueued().await), (1, vec![1]));
}

#[tokio::test(start_paused = true)]
async fn a_stop_between_a_death_and_the_next_claim_keeps_the_saved_text() {
    let model = slow();
    let world = World::new(&model);
    let id = world.say("m1").await;
    world.faults.on(PortCall::Checkpoint, 2, Fault::CrashAfter);
    assert!(matches!(world.deliver().await, Ended::Crashed));
    let saved = world.turn(1).await.unwrap().partial.unwrap();
    world.stop(&id).await;
    assert!(matches!(world.deliver().await, Ended::Acked));
    let turn = world.final_of(1).await;
    assert_eq!((turn.kind, turn.text), (Some(TurnKind::Cancelled), Some(saved)));
    assert_eq!((turn.epoch.0, model.calls()), (1, 1), "at the epoch read, without a call");
}

#[tokio::test(start_paused = true)]
async fn a_stop_of_a_turn_that_was_begun_too_often_keeps_the_saved_text() {
    let model = slow();
    let setup = Setup::new(vec![model.clone()]).with("CHATBOT_MAX_GENERATIONS", "1");
    let world = Arc::new(World::of(setup));
    let id = world.say("m1").await;
    world.faults.on(PortCall::Checkpoint, 2, Fault::CrashAfter);
    assert!(matches!(world.deliver().await, Ended::Crashed));
    let saved = world.turn(1).await.unwrap().partial.unwrap();
    let gate = world.faults.hold(PortCall::Commit, 1);
    let delivery = world.begin().await;
    gate.reached().await;
    world.stop(&id).await;
    gate.open();
    assert!(matches!(delivery.await.unwrap(), Ended::Acked));
    let turn = world.final_of(1).await;
    assert_eq!((turn.kind, turn.text, turn.error), (Some(TurnKind::Cancelled), Some(saved), None));
}

#[tokio::test(start_paused = true)]
async fn a_stop_at_any_moment_gives_one_final_with_a_prefix_of_the_text() {
    for millis in (0..4_000).step_by(50) {
        let model = slow();
        let world = Arc::new(World::new(&model));
        let id = world.say("m1").await;
        let delivery = world.begin().await;
        pass(millis).await;
        world.stop(&id).await;
        assert!(matches!(delivery.await.unwrap(), Ended::Acked));
        let turn = world.final_of(1).await;
        assert!(
            TEXT.starts_with(turn.text.as_deref().unwrap()),
            "stopped after {millis} ms: {:?}",
            turn.text
        );
        assert_eq!(world.commits().len(), 1, "stopped after {millis} ms");
        if turn.kind == Some(TurnKind::Reply) {
            assert_eq!(turn.text.as_deref(), Some(TEXT), "stopped after {millis} ms");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_of_a_final_changes_nothing() {
    let model = slow();
    let world = World::new(&model);
    let id = world.say("m1").await;
    world.drain().await;
    let before = world.final_of(1).await;
    world.stop(&id).await;
    assert_eq!(world.final_of(1).await, before);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_deleted_session_comes_back() {
    let model = slow();
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    world.connect("c1", "s1").await;
    let delivery = world.receive().await;
    let running = world.handle_in_background(&delivery);
    pass(1_500).await;
    world.delete().await;
    assert!(matches!(running.await.unwrap(), Ended::Acked));
    assert!(matches!(world.handle(&delivery).await, Ended::Acked), "a late redelivery");
    assert_eq!(world.table.dump().len(), 1, "only the tombstone is left: {:?}", world.table.dump());
    assert_eq!((model.dropped(), model.calls(), world.enqueued().await), (1, 1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_session_deleted_at_the_commit_leaves_nothing() {
    let model = slow();
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    let gate = world.faults.hold(PortCall::Commit, 1);
    let delivery = world.begin().await;
    gate.reached().await;
    world.delete().await;
    gate.open();
    assert!(matches!(delivery.await.unwrap(), Ended::Acked));
    assert_eq!((world.table.dump().len(), world.enqueued().await), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_expired_is_absent_though_its_rows_are_stored() {
    let model = slow();
    let world = World::new(&model);
    world.say("m1").await;
    pass(25 * 3_600_000).await;
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert_eq!((model.calls(), world.table.dump().len()), (0, 2), "nothing was written");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_stops_the_stream_and_a_later_delivery_answers() {
    let endless = vec![[wait(14_000), says("on and ", SLOWLY)].concat(); 20].concat();
    let model = FakeModel::claude(vec![endless, [says(TEXT, SLOWLY), finish()].concat()]);
    let world = World::new(&model);
    world.say("m1").await;
    assert!(matches!(world.deliver().await, Ended::Failed(WorkerError::Deadline)));
    assert_eq!((world.elapsed().as_secs(), model.dropped()), (140, 1));
    assert_eq!(world.turn(1).await.unwrap().state, TurnState::Running, "no half commit");
    assert!(matches!(world.deliver().await, Ended::Acked));
    let turn = world.final_of(1).await;
    assert_eq!((turn.epoch.0, turn.text.as_deref()), (2, Some(TEXT)));
    assert!(world.elapsed().as_secs() < 150, "its visibility was shortened");
}

#[tokio::test(start_paused = true)]
async fn a_message_stays_hidden_for_its_deadline_and_a_margin_only() {
    let model = slow();
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.on(PortCall::Open, 1, Fault::CrashBefore);
    assert!(matches!(world.deliver().await, Ended::Crashed));
    world.receive().await;
    assert_eq!(world.elapsed().as_secs(), 150);
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_body_is_a_failure_until_it_is_a_dead_letter() {
    let model = slow();
    let world = World::new(&model);
    let poison = json!({ "v": 2, "type": "message" }).to_string();
    let group = world.key.as_str().to_owned();
    let outgoing = shared::ports::OutgoingMessage {
        group,
        deduplication_id: "poison".into(),
        body: poison,
        durability: shared::ports::Durability::Synced,
    };
    shared::ports::Queue::send(world.requests.as_ref(), outgoing).await.unwrap();
    world.say("m1").await;
    for _ in 0..10 {
        assert!(matches!(world.deliver().await, Ended::Failed(WorkerError::Body(_))));
    }
    assert!(matches!(world.deliver().await, Ended::Acked), "the group is free again");
    assert_eq!(world.requests.dead_letters(10).await.unwrap().len(), 1);
    assert_eq!(world.final_of(1).await.text.as_deref(), Some(TEXT));
}

#[tokio::test(start_paused = true)]
async fn a_final_says_what_it_used_and_where_the_time_went() {
    let usage =
        |input, output| Usage { input_tokens: input, output_tokens: output, ..Usage::default() };
    let script = [
        vec![Step::Usage(usage(100, 1))],
        says("So it is.", SLOWLY),
        vec![Step::Usage(usage(100, 7))],
        finish(),
    ];
    let model = FakeModel::claude(vec![script.concat()]);
    let world = World::new(&model);
    world.say("m1").await;
    pass(3_000).await;
    world.drain().await;
    let turn = world.final_of(1).await;
    assert_eq!(
        (turn.usage, turn.cost_micro_usd),
        (Some(usage(100, 7)), None::<MicroUsd>),
        "an unpriced model"
    );
    assert_eq!(
        (turn.provider.unwrap().as_str(), turn.model.as_deref()),
        ("claude", Some("claude-test"))
    );
    assert_eq!((turn.timings.queue_ms, turn.timings.first_token_ms), (3_000, Some(3_600)));
    assert_eq!(turn.timings.total_ms, 4_800);
    assert_eq!(turn.sha256.unwrap(), shared::domain::sha256_hex("So it is."));
}

#[tokio::test(start_paused = true)]
async fn two_sessions_do_not_wait_for_each_other() {
    let model = FakeModel::claude(vec![
        vec![Step::Hang],
        [wait(10), says(TEXT, Duration::ZERO), finish()].concat(),
    ]);
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    let stuck = world.begin().await;
    pass(100).await;
    let mut other = world.submission("m2", "question");
    other.session_id = shared::domain::SessionId::parse("other").unwrap();
    world.accept(&other).await;
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert!(world.elapsed() < Duration::from_secs(1));
    stuck.abort();
}

#[tokio::test(start_paused = true)]
async fn an_error_final_has_no_text_and_names_its_code() {
    let model = FakeModel::claude(vec![vec![]]);
    let world = World::new(&model);
    world.say("m1").await;
    world.drain().await;
    let turn = world.final_of(1).await;
    assert_eq!((turn.kind, turn.text.as_deref()), (Some(TurnKind::Error), Some("")));
    assert_eq!(turn.error.unwrap().code, ErrorCode::ProvidersUnavailable);
}

#[tokio::test(start_paused = true)]
async fn a_model_name_without_end_is_cut_and_the_turn_committed() {
    let reply = [says(TEXT, Duration::from_millis(10)), finish()].concat();
    let model = FakeModel::new(ProviderName::Claude, &"ü".repeat(300_000), vec![reply]);
    let world = World::new(&model);
    world.say("m1").await;
    world.drain().await;
    let turn = world.final_of(1).await;
    assert_eq!((turn.text.as_deref(), turn.model.unwrap().len()), (Some(TEXT), 256));
}
