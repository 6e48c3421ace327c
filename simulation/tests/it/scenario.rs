//! The stage itself.

use std::time::Duration;

use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::Scenario;
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn a_message_is_answered_and_shown_without_any_fault() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!((tab.cursor(), scenario.model_calls()), (1, 1));
    assert_eq!(scenario.event_ids().len(), 1);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_scripted_fault_hits_its_call_alone() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Commit, 1, Fault::CrashBefore));
    let delivery = scenario.request().await;
    assert!(scenario.work(&delivery).await.returned().is_none());
    assert_eq!(scenario.model_calls(), 1);
    scenario.end(&[]).await.unwrap();
    assert_eq!((scenario.model_calls(), scenario.turn(&anna, 1).await.unwrap().epoch.0), (2, 2));
}
