//! 60: deltas of turn n + 1 before the final of n, and final n + 1 before final n.

use std::sync::Arc;
use std::time::Duration;

use client::tab::TabHandle;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::sleep;

/// Lets two messages be answered while no final is delivered and no `resume` is answered.
async fn two_answers() -> (Scenario, ScenarioUser, TabHandle) {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    scenario.add_fault(FaultRule::always(Function::Ingress, PortCall::Register, Fault::Fail));
    tokio::spawn(Arc::clone(&scenario.platform).drive_requests());
    anna.say("m1").await.unwrap();
    anna.say("m2").await.unwrap();
    sleep(Duration::from_secs(8)).await;
    assert!(scenario.cloud.requests.is_empty(), "both are answered");
    (scenario, anna, tab)
}

fn shown(tab: &TabHandle) -> Vec<u64> {
    tab.view().shown.iter().map(|turn| turn.number).collect()
}

#[tokio::test(start_paused = true)]
async fn s60_deltas_of_the_next_turn_before_this_ones_final_make_the_tab_ask_for_it() {
    let (scenario, anna, tab) = two_answers().await;
    let provisional = scenario
        .cloud
        .trace
        .lines()
        .into_iter()
        .any(|line| line.text.ends_with("bytes of turn 2.1"));
    assert!(provisional, "deltas of turn 2 came");
    assert_eq!(shown(&tab), [0; 0]);
    assert!(scenario.faults.calls(Function::Ingress, PortCall::Register) > 1, "it asked");
    scenario.faults.heal();
    sleep(Duration::from_secs(12)).await;
    assert_eq!(
        (shown(&tab), scenario.faults.calls_of(Function::Notifier)),
        (vec![1, 2], 0),
        "asking alone brought both"
    );
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s60_the_next_final_before_this_one_is_held_back_until_this_one_came() {
    let (scenario, anna, tab) = two_answers().await;
    let batch = scenario.replies().await;
    assert_eq!(batch.len(), 2);
    scenario.deliver(&batch[1..]).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(shown(&tab), [0; 0], "final 2 came first");
    scenario.deliver(&batch[..1]).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(shown(&tab), [1, 2], "both from the two pushes");
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}
