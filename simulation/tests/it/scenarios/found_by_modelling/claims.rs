//! 58: a stale claim never ends a turn that another worker is answering; 64: a turn that nobody
//! comes back to.

use std::time::Duration;

use shared::domain::{ErrorCode, ProviderName, TurnKind};
use shared::protocol::TurnState;
use simulation::cloud::Limits;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::{Instant, sleep, sleep_until};

use super::words;

/// A scenario in which a message is received once before it is a dead letter.
fn unforgiving() -> Scenario {
    let limits = Limits { requests_receives: 1, ..Limits::default() };
    ScenarioSetup { limits, ..ScenarioSetup::default() }.build().unwrap()
}

/// The worker of m2 reads the abandoned turn 1, stalls, and comes back while m1, which an operator
/// brought back, is being answered by another worker.
#[tokio::test(start_paused = true)]
async fn s58_a_stale_claim_does_not_end_the_turn_before_while_another_worker_answers_it() {
    let scenario = unforgiving();
    let began = Instant::now();
    let at = |second| sleep_until(began + Duration::from_secs(second));
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Commit, 1, Fault::CrashBefore));
    let stalled = Fault::FreezeBefore(Duration::from_secs(200));
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::EndPredecessor, 1, stalled));
    for script in [words(1), words(100), words(1)] {
        scenario.script_model(ProviderName::Claude, script);
    }
    anna.say("m1").await.unwrap();
    anna.say("m2").await.unwrap();
    scenario.drive();
    at(290).await;
    assert_eq!(
        scenario.faults.calls(Function::Worker, PortCall::EndPredecessor),
        1,
        "the worker of m2 stands still"
    );
    at(310).await;
    assert_eq!(scenario.platform.redrive().await, 2, "both messages are dead letters by now");
    at(349).await;
    let before = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (before.state, before.epoch.0),
        (TurnState::Running, 2),
        "another worker is at turn 1"
    );
    at(360).await;
    let after = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (after.state, after.epoch.0),
        (TurnState::Running, 2),
        "the stale claim came back at 350 s"
    );
    at(440).await;
    assert_eq!(
        tab.view().shown.iter().map(|turn| turn.kind).collect::<Vec<_>>(),
        [TurnKind::Reply; 2]
    );
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((scenario.model_calls(), scenario.event_ids().len()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn s58_a_stale_claim_takes_nothing_from_the_worker_that_claimed_meanwhile() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    scenario.script_model(ProviderName::Claude, words(30));
    scenario.add_fault(FaultRule::at(
        Function::Worker,
        PortCall::Claim,
        1,
        Fault::FreezeBefore(Duration::from_secs(160)),
    ));
    anna.say("m1").await.unwrap();
    scenario.drive();
    sleep(Duration::from_secs(170)).await;
    assert_eq!(scenario.faults.calls(Function::Worker, PortCall::Claim), 2, "both tried");
    let turn = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (turn.state, turn.epoch.0),
        (TurnState::Running, 1),
        "the second worker's generation stands"
    );
    assert!(!scenario.cloud.requests.is_empty(), "the stale worker did not acknowledge");
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((scenario.model_calls(), scenario.turn(&anna, 2).await), (1, None));
}

/// Lets a turn's message become a dead letter while the turn runs, and nobody write to the session
/// any more.
async fn abandoned(scenario: &Scenario) -> ScenarioUser {
    let anna = scenario.user(1, "lesson").await.unwrap();
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Commit, 1, Fault::CrashBefore));
    anna.say("m1").await.unwrap();
    scenario.drive();
    sleep(Duration::from_mins(14)).await;
    assert!(scenario.cloud.requests.is_empty(), "the message is a dead letter");
    assert_eq!(scenario.turn(&anna, 1).await.unwrap().state, TurnState::Running);
    anna
}

#[tokio::test(start_paused = true)]
async fn s64_a_turn_with_a_dead_lettered_message_and_no_successor_is_ended_by_the_cleanup() {
    let scenario = unforgiving();
    let anna = abandoned(&scenario).await;
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(tab.cursor(), 0);
    sleep(Duration::from_mins(7)).await;
    let turn = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (turn.state, turn.error.map(|error| error.code)),
        (TurnState::Delivered, Some(ErrorCode::Abandoned))
    );
    assert_eq!(
        tab.view().shown[0].error,
        Some(ErrorCode::Abandoned),
        "shown without anybody asking"
    );
    assert_eq!(scenario.platform.redrive().await, 1);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(
        (scenario.model_calls(), scenario.event_ids().len()),
        (1, 1),
        "the redriven message was absorbed"
    );
}

#[tokio::test(start_paused = true)]
async fn s64_an_abandoned_stopped_turn_is_cancelled_by_the_cleanup_with_the_saved_text() {
    let scenario = unforgiving();
    let anna = abandoned(&scenario).await;
    let saved = scenario.turn(&anna, 1).await.unwrap().partial.unwrap();
    anna.stop("m1").await.unwrap();
    sleep(Duration::from_mins(7)).await;
    let turn = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (turn.state, turn.kind, turn.text),
        (TurnState::Delivered, Some(TurnKind::Cancelled), Some(saved))
    );
    scenario.end(&[]).await.unwrap();
    assert_eq!(scenario.model_calls(), 1);
}
