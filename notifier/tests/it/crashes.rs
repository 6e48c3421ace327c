//! A notifier that dies at any port call: nothing is lost, nothing counted twice.

use std::time::Duration;

use crate::support::world::{TEXT, reply};
use crate::support::{Fault, World, pass};

/// Tells the story of one final with a fault at the n-th port call; `false` if there are fewer.
async fn tell(nth: usize, fault: Fault) -> bool {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let tab = world.connect("a", "c1").await;
    world.faults.anywhere(nth, fault.clone());
    world.deliver().await;
    if world.faults.heal() {
        return false;
    }
    world.drain().await;
    pass(Duration::from_mins(6)).await;
    world.clean_up().await;
    let story = format!("{fault:?} at call {nth}");
    let frames = world.frames(&tab);
    assert!(frames.iter().all(|frame| *frame == frames[0]), "{story}");
    // A push that failed, or connections that could not be listed, are the client's to heal.
    assert!(!frames.is_empty() || matches!(fault, Fault::Fail | Fault::LoseAck), "{story}");
    assert_eq!((world.event_ids().len(), world.state("a", 1).await), (1, "DEL"), "{story}");
    assert_eq!(world.meta("a").await.unwrap().total_turns, 1, "{story}");
    true
}

async fn everywhere(fault: Fault) {
    let mut nth = 1;
    while tell(nth, fault.clone()).await {
        nth += 1;
    }
    assert!(nth > 5, "two reads, a push, an event, a write");
}

#[tokio::test(start_paused = true)]
async fn a_notifier_killed_before_any_port_call_loses_and_doubles_nothing() {
    everywhere(Fault::CrashBefore).await;
}

#[tokio::test(start_paused = true)]
async fn a_notifier_killed_after_any_port_call_loses_and_doubles_nothing() {
    everywhere(Fault::CrashAfter).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_any_port_call_loses_and_doubles_nothing() {
    everywhere(Fault::Fail).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_acknowledgement_of_any_port_call_loses_and_doubles_nothing() {
    everywhere(Fault::LoseAck).await;
}
