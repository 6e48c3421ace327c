//! 56: a stop before the claim, and between a crash and the next claim.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{FinishReason, TurnKind};
use simulation::faults::{Fault, FaultRule, Function, Gate, PortCall};
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::sleep;

/// Checks that turn 1 was cancelled with this text.
async fn check_cancelled(scenario: &Scenario, user: &ScenarioUser, text: &str) {
    let turn = scenario.turn(user, 1).await.unwrap();
    assert_eq!((turn.kind, turn.text.as_deref()), (Some(TurnKind::Cancelled), Some(text)));
}

#[tokio::test(start_paused = true)]
async fn s56_a_message_stopped_before_its_claim_is_cancelled_without_a_model_call() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    anna.say("m1").await.unwrap();
    anna.stop("m1").await.unwrap();
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    check_cancelled(&scenario, &anna, "").await;
    assert_eq!(scenario.model_calls(), 0);
    assert_eq!(tab.view().shown[0].finish_reason, Some(FinishReason::Cancelled));
}

#[tokio::test(start_paused = true)]
async fn s56_a_stop_that_overtakes_the_claim_makes_it_read_again() {
    let scenario = Scenario::new().unwrap();
    let gate = Gate::new();
    let anna = scenario.user(1, "lesson").await.unwrap();
    scenario.add_fault(FaultRule::at(
        Function::Worker,
        PortCall::Claim,
        1,
        Fault::Hold(Arc::clone(&gate)),
    ));
    scenario.drive();
    anna.say("m1").await.unwrap();
    gate.reached().await;
    anna.stop("m1").await.unwrap();
    gate.open();
    scenario.end(&[]).await.unwrap();
    check_cancelled(&scenario, &anna, "").await;
    assert_eq!(
        (scenario.faults.calls(Function::Worker, PortCall::Claim), scenario.model_calls()),
        (2, 0)
    );
}

/// Stops a message after its worker met `fault` at the commit; the next claim must honour it.
async fn stopped_after(fault: Fault) {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    scenario.drive();
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Commit, 1, fault));
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(10)).await;
    let saved = scenario.turn(&anna, 1).await.unwrap().partial.unwrap();
    assert!(!saved.is_empty());
    anna.stop("m1").await.unwrap();
    sleep(Duration::from_mins(5)).await;
    check_cancelled(&scenario, &anna, &saved).await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((scenario.model_calls(), scenario.event_ids().len()), (1, 1));
    assert_eq!(tab.view().shown[0].text, saved);
}

#[tokio::test(start_paused = true)]
async fn s56_a_stop_between_a_crash_and_the_next_claim_keeps_the_saved_text_without_a_call() {
    stopped_after(Fault::CrashBefore).await;
}

#[tokio::test(start_paused = true)]
async fn s56_a_stop_while_the_worker_stands_still_is_not_undone_when_it_comes_back() {
    stopped_after(Fault::FreezeBefore(Duration::from_secs(200))).await;
}
