//! Throttles and transactions in conflict: tried again, apart from each other, inside the deadline.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use client::account::CallError;
use futures::future::join_all;
use shared::domain::ProviderName;
use simulation::cloud::ModelStep;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup};
use tokio::time::{Instant, sleep};
use worker::WorkerError;

/// What the tries of one call may last in all.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The calls of the store on the way of a message, for which failing is no end.
const PATIENT: [(Function, PortCall); 8] = [
    (Function::Ingress, PortCall::Record),
    (Function::Worker, PortCall::Get),
    (Function::Worker, PortCall::Claim),
    (Function::Worker, PortCall::Turns),
    (Function::Worker, PortCall::Generation),
    (Function::Worker, PortCall::Commit),
    (Function::Notifier, PortCall::Connections),
    (Function::Notifier, PortCall::Deliver),
];

/// Runs a conversation of two messages, the first one's stream broken off once; returns the time
/// that it took.
async fn converse(rule: Option<FaultRule>) -> (Scenario, Duration) {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    scenario.script_model(
        ProviderName::Claude,
        vec![ModelStep::Say("Period ".to_owned()), ModelStep::Break],
    );
    if let Some(rule) = rule {
        scenario.add_fault(rule);
    }
    let began = Instant::now();
    for id in ["m1", "m2"] {
        anna.say(id).await.unwrap();
        scenario.run_queues().await;
    }
    let took = began.elapsed();
    sleep(Duration::from_secs(1)).await;
    assert_eq!((tab.cursor(), scenario.model_calls()), (2, 3));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(scenario.event_ids().len(), 2);
    (scenario, took)
}

/// Checks that up to three faults in a row cost the conversation a moment, and no message a
/// redelivery.
async fn check(function: Function, op: PortCall, fault: Fault, hits: RangeInclusive<u64>) {
    let name = fault.name();
    let what = format!("{function:?} {op:?}: {}", fault.name());
    let (_, undisturbed) = converse(None).await;
    let (scenario, took) = converse(Some(FaultRule::during(function, op, 1..=3, fault))).await;
    assert!(took <= undisturbed + TIMEOUT, "{what}: {took:?} instead of {undisturbed:?}");
    let counts = scenario.faults.tally().counts();
    assert!(hits.contains(&counts.faults[name]), "{what}: {counts:?}");
    assert_eq!(counts.events.get("deliveries reported as failed"), None, "{what}");
}

#[tokio::test(start_paused = true)]
async fn s48_three_throttles_or_conflicts_in_a_row_cost_a_moment_and_no_redelivery() {
    for (function, op) in PATIENT {
        check(function, op, Fault::Fail, 3..=3).await;
    }
}

/// A conflict that was none: the write was applied, and its acknowledgement was not. The next try
/// finds it in place.
#[tokio::test(start_paused = true)]
async fn s48_a_transaction_that_conflicts_with_itself_costs_a_moment_and_no_redelivery() {
    check(Function::Ingress, PortCall::Record, Fault::LoseAck, 1..=3).await;
    check(Function::Worker, PortCall::Claim, Fault::LoseAck, 1..=3).await;
    check(Function::Worker, PortCall::Commit, Fault::LoseAck, 1..=3).await;
    check(Function::Notifier, PortCall::Deliver, Fault::LoseAck, 1..=3).await;
}

#[tokio::test(start_paused = true)]
async fn s48_a_store_that_goes_on_refusing_is_a_503_at_the_door_and_a_redelivery_behind_it() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let break_calls =
        |function, op| scenario.add_fault(FaultRule::always(function, op, Fault::Fail));

    break_calls(Function::Ingress, PortCall::Record);
    let began = Instant::now();
    let unavailable = CallError::Unavailable { retry_after: Duration::from_secs(2) };
    assert_eq!(anna.say("m1").await, Err(unavailable));
    assert!(
        began.elapsed() < TIMEOUT && scenario.cloud.requests.is_empty(),
        "{:?}",
        began.elapsed()
    );
    scenario.faults.heal();
    anna.say("m1").await.unwrap();

    break_calls(Function::Worker, PortCall::Claim);
    let delivery = scenario.request().await;
    let began = Instant::now();
    let ended = scenario.work(&delivery).await.returned().unwrap();
    assert!(matches!(ended, Err(WorkerError::Store(_))), "{ended:?}");
    assert!(began.elapsed() < TIMEOUT && scenario.model_calls() == 0, "{:?}", began.elapsed());
    assert_eq!(
        scenario.faults.calls(Function::Worker, PortCall::Claim),
        5,
        "the store was left alone after that"
    );
    scenario.faults.heal();

    break_calls(Function::Notifier, PortCall::Deliver);
    let delivery = scenario.request().await;
    scenario.answer(&delivery).await;
    let batch = scenario.replies().await;
    let began = Instant::now();
    let failed = scenario.platform.invoke_notifier(&batch).await.returned().unwrap();
    assert_eq!(failed, [batch[0].message_id.clone()]);
    assert!(began.elapsed() < TIMEOUT, "{:?}", began.elapsed());
    scenario.end(&[]).await.unwrap();
    assert_eq!(
        (scenario.model_calls(), scenario.session(&anna).await.unwrap().total_turns),
        (1, 1)
    );
}

/// Returns when a kind of call was made that no fault hit.
fn times(scenario: &Scenario, op: PortCall) -> Vec<u128> {
    let calls = scenario
        .cloud
        .trace
        .lines()
        .into_iter()
        .filter(|line| line.text.ends_with(&format!(" {op:?}")));
    calls.map(|line| line.millis).collect()
}

#[tokio::test(start_paused = true)]
async fn s48_callers_that_were_throttled_together_do_not_come_back_together() {
    const CALLERS: usize = 8;
    let mut setup = ScenarioSetup::default();
    (setup.setup.workers, setup.setup.notifiers) = (CALLERS, CALLERS);
    let scenario = setup.build().unwrap();
    for (function, op) in
        [(Function::Ingress, PortCall::Record), (Function::Worker, PortCall::Claim)]
    {
        scenario.add_fault(FaultRule::during(function, op, 1..=CALLERS, Fault::Fail));
    }
    let mut actors = Vec::new();
    for owner in 1..=u32::try_from(CALLERS).unwrap() {
        actors.push(scenario.user(owner, "lesson").await.unwrap());
    }
    let began = scenario.cloud.trace.lines().last().unwrap().millis;
    join_all(actors.iter().map(async |user| user.say("m1").await.unwrap())).await;
    let accepted = scenario.cloud.trace.lines().last().unwrap().millis;
    scenario.drive();
    sleep(Duration::from_secs(1)).await;
    scenario.end(&[]).await.unwrap();
    for (op, since) in [(PortCall::Record, began), (PortCall::Claim, accepted)] {
        let pauses: Vec<u128> = times(&scenario, op).into_iter().map(|time| time - since).collect();
        let apart = pauses.iter().collect::<BTreeSet<_>>().len();
        assert!(pauses.len() == CALLERS && apart > CALLERS / 2, "{op:?}: {pauses:?}");
        assert!(pauses.iter().all(|pause| (25..=51).contains(pause)), "{op:?}: {pauses:?}");
    }
}
