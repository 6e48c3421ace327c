//! A notifier that dies, wherever it may be.

use std::time::Duration;

use shared::protocol::TurnState;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::Scenario;
use tokio::time::sleep;

use super::{answered, events, states};

/// Lets a notifier die at its n-th call; tells whether it came that far.
async fn killed_at(nth: usize, fault: &Fault) -> bool {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tabs = [anna.open_tab(1), anna.open_tab(2)];
    sleep(Duration::from_secs(1)).await;
    answered(&scenario, &anna, &["m1"]).await;
    let batch = scenario.replies().await;
    scenario.add_fault(FaultRule::anywhere(Function::Notifier, nth, fault.clone()));
    let died = scenario.platform.invoke_notifier(&batch).await.returned().is_none();
    let place = format!("{} at call {nth}", fault.name());
    assert_eq!(scenario.cloud.replies.len(), 1, "{place}: nobody acknowledged it");
    assert_ne!(
        states(&scenario, &anna).await,
        [TurnState::Running],
        "{place}: the final is durable"
    );

    scenario.end(&[(&anna, &tabs[0]), (&anna, &tabs[1])]).await.unwrap();
    for tab in tabs {
        let shown: Vec<String> =
            tab.view().shown.iter().map(|turn| turn.message_id.clone()).collect();
        assert_eq!(shown, ["m1"], "{place}");
    }
    let (most, distinct) = events(&scenario);
    assert!(distinct == 1 && most <= 2, "{place}: {most} events of {distinct} kinds");
    assert_eq!(scenario.session(&anna).await.unwrap().total_turns, 1, "{place}");
    assert_eq!(
        (scenario.model_calls(), states(&scenario, &anna).await),
        (1, vec![TurnState::Delivered]),
        "{place}"
    );
    died
}

#[tokio::test(start_paused = true)]
async fn s31_a_notifier_killed_at_any_await_loses_no_final_and_no_event() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let mut nth = 1;
        while killed_at(nth, &fault).await {
            nth += 1;
        }
        // Read, list, push twice, publish, mark: each was hit.
        assert_eq!(nth, 7, "{}", fault.name());
    }
}

/// Lets the cleanup die at its n-th call, with a turn without a worker and a final without an event
/// to be seen to.
async fn cleanup_killed_at(nth: usize, fault: &Fault) -> bool {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let ben = scenario.user(2, "lesson").await.unwrap();
    // Ben's final is committed, and its pointer is lost; Anna's worker died in the middle, and so
    // did her message.
    answered(&scenario, &ben, &["m1"]).await;
    let lost = scenario.replies().await;
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Commit, 1, Fault::CrashBefore));
    answered(&scenario, &anna, &["m1"]).await;
    sleep(Duration::from_mins(16)).await;
    scenario.add_fault(FaultRule::anywhere(Function::Notifier, nth, fault.clone()));
    let died = scenario.platform.clean_up().await.is_none();
    let place = format!("{} at call {nth}", fault.name());
    scenario.faults.heal();
    scenario.platform.clean_up().await.unwrap();
    assert_ne!(
        states(&scenario, &anna).await,
        [TurnState::Running],
        "{place}: the next run ends it"
    );
    assert_eq!(states(&scenario, &ben).await, [TurnState::Delivered], "{place}");
    drop(lost);
    scenario.end(&[]).await.unwrap();
    assert_eq!(events(&scenario).1, 2, "{place}");
    died
}

#[tokio::test(start_paused = true)]
async fn s31_a_cleanup_killed_at_any_await_is_finished_by_the_next_one() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let mut nth = 1;
        while cleanup_killed_at(nth, &fault).await {
            nth += 1;
        }
        assert!(nth >= 7, "{} {nth}", fault.name());
    }
}
