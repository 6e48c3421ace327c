//! The stage itself.

use std::time::Duration;

use simulation::faults::{Fault, Function, Op, Rule};
use simulation::stage::Stage;
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn a_message_is_answered_and_shown_without_any_fault() {
    let stage = Stage::new().unwrap();
    stage.drive();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!((tab.cursor(), stage.model_calls()), (1, 1));
    assert_eq!(stage.event_ids().len(), 1);
    stage.end(&[(&anna, &tab)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_scripted_fault_hits_its_call_alone() {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    stage.lay(Rule::at(Function::Worker, Op::Commit, 1, Fault::CrashBefore));
    let delivery = stage.request().await;
    assert!(stage.work(&delivery).await.returned().is_none());
    assert_eq!(stage.model_calls(), 1);
    stage.end(&[]).await.unwrap();
    assert_eq!((stage.model_calls(), stage.turn(&anna, 1).await.unwrap().epoch.0), (2, 2));
}
