//! 57: a session deleted while a turn runs, then a late redelivery: nothing comes back.

use std::time::Duration;

use client::account::CallError;
use client::tab::Ended;
use shared::domain::ProviderName;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::sleep;

use super::{event_types, rows, words};

/// Checks that nothing is left of the session but its tombstone, and that nobody was told of a
/// turn.
async fn check_gone(scenario: &Scenario, user: &ScenarioUser) {
    assert_eq!(rows(scenario, user).await, ["META"]);
    assert_eq!(event_types(scenario), ["Session Deleted"]);
    assert_eq!(user.account.history(&user.session, 0, 10).await, Err(CallError::NotFound));
    assert_eq!(user.say("m9").await, Err(CallError::NotFound));
}

#[tokio::test(start_paused = true)]
async fn s57_a_message_that_comes_back_after_its_session_was_deleted_brings_nothing_back() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    scenario.drive();
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Commit, 1, Fault::CrashBefore));
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(10)).await;
    anna.account.delete(&anna.session).await.unwrap();
    assert!(!scenario.cloud.requests.is_empty(), "the message is still to come back");
    sleep(Duration::from_mins(5)).await;
    assert!(scenario.cloud.requests.is_empty(), "it came back and was acknowledged");
    assert_eq!(scenario.faults.calls(Function::Worker, PortCall::Claim), 1);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    check_gone(&scenario, &anna).await;
    assert_eq!(
        (scenario.model_calls(), tab.view().ended, tab.view().shown.len()),
        (1, Some(Ended::Gone), 0)
    );
}

#[tokio::test(start_paused = true)]
async fn s57_a_worker_whose_session_is_deleted_drops_its_stream_and_writes_nothing_more() {
    let scenario = Scenario::new().unwrap();
    scenario.script_model(ProviderName::Claude, words(60));
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    scenario.drive();
    anna.say("m1").await.unwrap();
    sleep(Duration::from_millis(5_500)).await;
    anna.account.delete(&anna.session).await.unwrap();
    sleep(Duration::from_secs(3)).await;
    let heard = scenario.faults.calls(Function::Worker, PortCall::Next);
    assert!(scenario.cloud.requests.is_empty(), "acknowledged as soon as a checkpoint was refused");
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    check_gone(&scenario, &anna).await;
    assert_eq!(
        scenario.faults.calls(Function::Worker, PortCall::Next),
        heard,
        "nobody listens to the model any more"
    );
    assert_eq!(scenario.faults.calls(Function::Worker, PortCall::Commit), 0);
}

#[tokio::test(start_paused = true)]
async fn s57_a_zombie_cannot_commit_into_a_deleted_session() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    scenario.drive();
    scenario.add_fault(FaultRule::at(
        Function::Worker,
        PortCall::Commit,
        1,
        Fault::FreezeBefore(Duration::from_secs(200)),
    ));
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(10)).await;
    anna.account.delete(&anna.session).await.unwrap();
    sleep(Duration::from_mins(5)).await;
    assert_eq!(
        scenario.faults.calls(Function::Worker, PortCall::Commit),
        1,
        "it came back and tried"
    );
    scenario.end(&[]).await.unwrap();
    check_gone(&scenario, &anna).await;
}

#[tokio::test(start_paused = true)]
async fn s57_a_final_on_its_way_is_not_delivered_once_its_session_is_deleted() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    scenario.answer(&scenario.request().await).await;
    anna.account.delete(&anna.session).await.unwrap();
    let batch = scenario.replies().await;
    assert!(
        batch[0].body.contains("\"final\""),
        "its pointer comes before the notice of the deletion"
    );
    scenario.deliver(&batch).await;
    assert_eq!(scenario.faults.calls(Function::Notifier, PortCall::Push), 0);
    scenario.end(&[]).await.unwrap();
    check_gone(&scenario, &anna).await;
}
