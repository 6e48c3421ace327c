//! A worker that dies at any port call, or loses an acknowledgement there: one final all the same.

use std::time::Duration;

use shared::domain::TurnKind;
use shared::protocol::TurnState;

use crate::support::world::Ended;
use crate::support::{FakeModel, Fault, PortCall, World, finish, says};

const TEXT: &str = "Period 3 is maths in room 12.";
/// `MAX_GENERATIONS × MAX_CALLS`.
const MOST_CALLS: usize = 12;

/// A reply that takes about three seconds: checkpoints and listings are among its port calls.
fn model() -> std::sync::Arc<FakeModel> {
    FakeModel::claude(vec![[says(TEXT, Duration::from_millis(400)), finish()].concat()])
}

/// Checks that what was answered 202 has exactly one final, and what it says.
async fn check(world: &World, model: &FakeModel, story: &str) {
    world.drain().await;
    let turn = world.final_of(1).await;
    assert_eq!((turn.kind, turn.text.as_deref()), (Some(TurnKind::Reply), Some(TEXT)), "{story}");
    assert_eq!(world.commits().len(), 1, "{story}");
    assert!(model.calls() <= MOST_CALLS, "{story}: {} calls", model.calls());
    // Within five minutes a second pointer is dropped by the queue; later ones are harmless, and
    // none is missing.
    let enqueued = world.enqueued().await;
    assert!(
        !enqueued.is_empty() && enqueued.iter().all(|number| *number == 1),
        "{story}: {enqueued:?}"
    );
}

/// Tells the story with one fault at the n-th port call; `false` if the story has fewer calls.
async fn tell(nth: usize, name: &str, fault: Fault) -> bool {
    let model = model();
    let world = World::new(&model);
    world.say("m1").await;
    world.connect("c1", "s1").await;
    world.faults.anywhere(nth, fault);
    world.deliver().await;
    if world.faults.heal() {
        return false;
    }
    check(&world, &model, &format!("{name} at call {nth}")).await;
    true
}

/// Tells the story with the fault at every port call in turn.
async fn everywhere(name: &str, fault: Fault) {
    let mut nth = 1;
    while tell(nth, name, fault.clone()).await {
        nth += 1;
    }
    assert!(nth > 25, "the story has more calls than {nth}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_killed_before_any_port_call_loses_and_doubles_nothing() {
    everywhere("killed before", Fault::CrashBefore).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_killed_after_any_port_call_loses_and_doubles_nothing() {
    everywhere("killed after", Fault::CrashAfter).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_any_port_call_loses_and_doubles_nothing() {
    everywhere("failed", Fault::Fail).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_acknowledgement_of_any_port_call_loses_and_doubles_nothing() {
    everywhere("acknowledgement lost", Fault::LoseAck).await;
}

#[tokio::test(start_paused = true)]
async fn a_stall_of_any_port_call_loses_and_doubles_nothing() {
    everywhere("stalled", Fault::Stall(Duration::from_secs(20))).await;
}

#[tokio::test(start_paused = true)]
async fn two_deaths_in_a_row_lose_and_double_nothing() {
    for first in (1..40).step_by(3) {
        for second in (1..40).step_by(4) {
            let model = model();
            let world = World::new(&model);
            world.say("m1").await;
            for nth in [first, second] {
                world.faults.anywhere(nth, Fault::CrashAfter);
                world.deliver().await;
                world.faults.heal();
                if world.requests.is_empty() {
                    break;
                }
            }
            check(&world, &model, &format!("killed after call {first}, then after call {second}"))
                .await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_worker_is_followed_by_a_higher_generation_from_an_empty_text() {
    let model = model();
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.on(PortCall::Checkpoint, 2, Fault::CrashAfter);
    assert!(matches!(world.deliver().await, Ended::Crashed));
    let turn = world.turn(1).await.unwrap();
    assert_eq!((turn.state, turn.epoch.0), (TurnState::Running, 1));
    assert!(turn.partial.is_some());
    world.faults.on(PortCall::Open, 1, Fault::CrashBefore);
    assert!(matches!(world.deliver().await, Ended::Crashed));
    let turn = world.turn(1).await.unwrap();
    assert_eq!((turn.epoch.0, turn.partial), (2, None), "the old text is not the new generation's");
    world.drain().await;
    assert_eq!((world.final_of(1).await.epoch.0, model.dropped()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_acknowledgement_was_lost_is_recognised() {
    let model = model();
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.on(PortCall::Commit, 1, Fault::LoseAck);
    world.drain().await;
    assert_eq!((model.calls(), world.commits().len(), world.enqueued().await), (1, 1, vec![1]));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_the_store_throttles_costs_no_second_answer() {
    let model = model();
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.during(PortCall::Commit, 1..=2, Fault::Fail);
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert_eq!((model.calls(), world.commits().len(), world.enqueued().await), (1, 1, vec![1]));
}
