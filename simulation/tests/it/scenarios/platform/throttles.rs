//! Throttles and transactions in conflict: tried again, apart from each other, inside the deadline.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use client::account::CallError;
use futures::future::join_all;
use shared::domain::ProviderName;
use simulation::cloud::Piece;
use simulation::faults::{Fault, Function, Op, Rule};
use simulation::stage::{Scene, Stage};
use tokio::time::{Instant, sleep};
use worker::WorkerError;

/// What the tries of one call may last in all.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The calls of the store on the way of a message, for which failing is no end.
const PATIENT: [(Function, Op); 8] = [
    (Function::Ingress, Op::Record),
    (Function::Worker, Op::Get),
    (Function::Worker, Op::Claim),
    (Function::Worker, Op::Turns),
    (Function::Worker, Op::Generation),
    (Function::Worker, Op::Commit),
    (Function::Notifier, Op::Connections),
    (Function::Notifier, Op::Deliver),
];

/// Runs a conversation of two messages, the first one's stream broken off once; returns the time
/// that it took.
async fn converse(rule: Option<Rule>) -> (Stage, Duration) {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    stage.plot(ProviderName::Claude, vec![Piece::Say("Period ".to_owned()), Piece::Break]);
    if let Some(rule) = rule {
        stage.lay(rule);
    }
    let began = Instant::now();
    for id in ["m1", "m2"] {
        anna.say(id).await.unwrap();
        stage.run_queues().await;
    }
    let took = began.elapsed();
    sleep(Duration::from_secs(1)).await;
    assert_eq!((tab.cursor(), stage.model_calls()), (2, 3));
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(stage.event_ids().len(), 2);
    (stage, took)
}

/// Checks that up to three faults in a row cost the conversation a moment, and no message a
/// redelivery.
async fn check(function: Function, op: Op, fault: Fault, hits: RangeInclusive<u64>) {
    let name = fault.name();
    let what = format!("{function:?} {op:?}: {}", fault.name());
    let (_, undisturbed) = converse(None).await;
    let (stage, took) = converse(Some(Rule::during(function, op, 1..=3, fault))).await;
    assert!(took <= undisturbed + TIMEOUT, "{what}: {took:?} instead of {undisturbed:?}");
    let counts = stage.faults.tally().counts();
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
    check(Function::Ingress, Op::Record, Fault::LoseAck, 1..=3).await;
    check(Function::Worker, Op::Claim, Fault::LoseAck, 1..=3).await;
    check(Function::Worker, Op::Commit, Fault::LoseAck, 1..=3).await;
    check(Function::Notifier, Op::Deliver, Fault::LoseAck, 1..=3).await;
}

#[tokio::test(start_paused = true)]
async fn s48_a_store_that_goes_on_refusing_is_a_503_at_the_door_and_a_redelivery_behind_it() {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let lay = |function, op| stage.lay(Rule::always(function, op, Fault::Fail));

    lay(Function::Ingress, Op::Record);
    let began = Instant::now();
    let unavailable = CallError::Unavailable { retry_after: Duration::from_secs(2) };
    assert_eq!(anna.say("m1").await, Err(unavailable));
    assert!(began.elapsed() < TIMEOUT && stage.cloud.requests.is_empty(), "{:?}", began.elapsed());
    stage.faults.heal();
    anna.say("m1").await.unwrap();

    lay(Function::Worker, Op::Claim);
    let delivery = stage.request().await;
    let began = Instant::now();
    let ended = stage.work(&delivery).await.returned().unwrap();
    assert!(matches!(ended, Err(WorkerError::Store(_))), "{ended:?}");
    assert!(began.elapsed() < TIMEOUT && stage.model_calls() == 0, "{:?}", began.elapsed());
    assert_eq!(
        stage.faults.calls(Function::Worker, Op::Claim),
        5,
        "the store was left alone after that"
    );
    stage.faults.heal();

    lay(Function::Notifier, Op::Deliver);
    let delivery = stage.request().await;
    stage.answer(&delivery).await;
    let batch = stage.replies().await;
    let began = Instant::now();
    let failed = stage.platform.invoke_notifier(&batch).await.returned().unwrap();
    assert_eq!(failed, [batch[0].message_id.clone()]);
    assert!(began.elapsed() < TIMEOUT, "{:?}", began.elapsed());
    stage.end(&[]).await.unwrap();
    assert_eq!((stage.model_calls(), stage.session(&anna).await.unwrap().total_turns), (1, 1));
}

/// Returns when a kind of call was made that no fault hit.
fn times(stage: &Stage, op: Op) -> Vec<u128> {
    let calls = stage
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
    let mut scene = Scene::default();
    (scene.setup.workers, scene.setup.notifiers) = (CALLERS, CALLERS);
    let stage = scene.set().unwrap();
    for (function, op) in [(Function::Ingress, Op::Record), (Function::Worker, Op::Claim)] {
        stage.lay(Rule::during(function, op, 1..=CALLERS, Fault::Fail));
    }
    let mut actors = Vec::new();
    for owner in 1..=u32::try_from(CALLERS).unwrap() {
        actors.push(stage.actor(owner, "lesson").await.unwrap());
    }
    let began = stage.cloud.trace.lines().last().unwrap().millis;
    join_all(actors.iter().map(async |actor| actor.say("m1").await.unwrap())).await;
    let accepted = stage.cloud.trace.lines().last().unwrap().millis;
    stage.drive();
    sleep(Duration::from_secs(1)).await;
    stage.end(&[]).await.unwrap();
    for (op, since) in [(Op::Record, began), (Op::Claim, accepted)] {
        let pauses: Vec<u128> = times(&stage, op).into_iter().map(|time| time - since).collect();
        let apart = pauses.iter().collect::<BTreeSet<_>>().len();
        assert!(pauses.len() == CALLERS && apart > CALLERS / 2, "{op:?}: {pauses:?}");
        assert!(pauses.iter().all(|pause| (25..=51).contains(pause)), "{op:?}: {pauses:?}");
    }
}
