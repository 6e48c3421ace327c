//! A worker dies, and the one that gets its message dies too.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{FinishReason, ProviderName, TurnKind};
use simulation::cloud::{Limits, ModelScript, ModelStep};
use simulation::faults::{Fault, FaultRule, Function};
use simulation::scenario::ScenarioSetup;
use tokio::time::{sleep, timeout};

use super::every::{AFTERMATH, MANY, Told, ensure, run};

/// How many calls the worker makes for the message of this story, at least.
const FLOOR: usize = 16;

/// A reply that is short, and long enough for a checkpoint and for a second look at the
/// connections.
fn reply() -> ModelScript {
    let say = |text: &str| ModelStep::Say(text.to_owned());
    vec![
        say("Maths"),
        ModelStep::Wait(Duration::from_millis(1_100)),
        say(", I think."),
        ModelStep::Finish(FinishReason::Stop),
    ]
}

/// The second rule counts from the redelivery that the first one causes.
async fn a_message_delivered_again_and_again(first: FaultRule, second: FaultRule) -> Told {
    // A message whose worker dies before it could shorten its time is not away for longer than
    // others.
    let limits = Limits { requests_visibility: Duration::from_secs(160), ..Limits::default() };
    let scenario = ScenarioSetup { limits, ..ScenarioSetup::default() }.build().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    (0..3).for_each(|_| scenario.script_model(ProviderName::Claude, reply()));
    scenario.add_fault(first);
    tokio::spawn(Arc::clone(&scenario.platform).drive_replies());
    anna.say("m1").await.unwrap();
    let deliveries = async {
        let mut second = Some(second);
        loop {
            let delivery = scenario.request().await;
            if delivery.receive_count == 2 {
                second.take().into_iter().for_each(|rule| scenario.add_fault(rule));
            }
            scenario.answer(&delivery).await;
        }
    };
    let _: Result<(), _> = timeout(AFTERMATH, deliveries).await;
    let came = !scenario.faults.heal();
    scenario.end(&[(&anna, &tab)]).await?;
    let shown = tab.view().shown.iter().map(|turn| turn.kind).collect();
    ensure("the final", shown, vec![TurnKind::Reply])?;
    Ok(came)
}

/// Tries a second crash at every call after the first one; returns at how many there was one.
#[track_caller]
fn seconds(first: (usize, &Fault), fault: &Fault) -> usize {
    let rule =
        |(nth, fault): (usize, &Fault)| FaultRule::anywhere(Function::Worker, nth, fault.clone());
    let came = |nth: &usize| {
        let told = run(a_message_delivered_again_and_again(rule(first), rule((*nth, fault))));
        let at = || format!("{} {}, then {} {nth}", first.1.name(), first.0, fault.name());
        told.unwrap_or_else(|why| panic!("{}: {why}", at()))
    };
    (1..MANY).take_while(came).count()
}

/// Tries all pairs of two kinds of crash.
#[track_caller]
fn check_all_pairs(fault: &Fault, then: &Fault) {
    let pairs: Vec<usize> = (1..MANY)
        .map(|nth| seconds((nth, fault), then))
        .take_while(|seconds| *seconds > 0)
        .collect();
    assert!(pairs.len() >= FLOOR, "first crashes: {pairs:?}");
    // Once the reply is committed, little is left to die at.
    let long = pairs.iter().filter(|seconds| **seconds >= FLOOR).count();
    assert!(
        long >= FLOOR / 2 && pairs.iter().all(|seconds| (3..MANY - 1).contains(seconds)),
        "second crashes: {pairs:?}"
    );
}

#[test]
fn crashes_before_any_two_calls_of_the_worker_lose_and_double_nothing() {
    check_all_pairs(&Fault::CrashBefore, &Fault::CrashBefore);
}

#[test]
fn a_crash_before_any_call_of_the_worker_and_then_one_after_any_lose_and_double_nothing() {
    check_all_pairs(&Fault::CrashBefore, &Fault::CrashAfter);
}

#[test]
fn a_crash_after_any_call_of_the_worker_and_then_one_before_any_lose_and_double_nothing() {
    check_all_pairs(&Fault::CrashAfter, &Fault::CrashBefore);
}

#[test]
fn crashes_after_any_two_calls_of_the_worker_lose_and_double_nothing() {
    check_all_pairs(&Fault::CrashAfter, &Fault::CrashAfter);
}
