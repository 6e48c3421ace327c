//! Stops at any moment: scenario 30.

use std::time::Duration;

use shared::domain::{FinishReason, ProviderName, TurnKind};
use simulation::cloud::ModelStep;
use simulation::faults::{Fault, FaultRule, Function, Gate, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup};
use tokio::time::sleep;

use super::{asked, calls, request, settle, shown, told, words};

/// Stops a message so long after it was sent; returns what its final became.
async fn check_stopped_after(millis: u64) -> TurnKind {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    settle().await;
    anna.say("m1").await.unwrap();
    sleep(Duration::from_millis(millis)).await;
    let final_before = scenario.turn(&anna, 1).await.is_some_and(|turn| turn.is_final());
    // From here on the scenario itself demands a cancelled turn where the stop was answered before
    // its final.
    anna.stop("m1").await.unwrap();
    let seen = shown(&scenario, 1).last().map_or(0, |(_, bytes)| *bytes);
    sleep(Duration::from_secs(3)).await;
    let view = tab.view();
    assert_eq!(view.shown.len(), 1, "{millis} ms: exactly one final, soon");
    let turn = view.shown[0].clone();
    assert_eq!(
        turn.kind,
        if final_before { TurnKind::Reply } else { TurnKind::Cancelled },
        "{millis} ms"
    );
    assert!(
        turn.text.len() >= seen,
        "{millis} ms: {seen} bytes were shown, and {} are kept",
        turn.text.len()
    );
    scenario.end(&[(&anna, &tab)]).await.unwrap_or_else(|story| panic!("{millis} ms: {story}"));
    assert_eq!(
        (told(&scenario, "wrote turn 1 as"), scenario.event_ids().len()),
        (1, 1),
        "{millis} ms"
    );
    tab.close();
    turn.kind
}

#[tokio::test(start_paused = true)]
async fn s30_a_stop_at_any_moment_gives_exactly_one_final_that_keeps_the_text_so_far() {
    let mut external = Vec::new();
    for millis in (0..3_000).step_by(70) {
        external.push(check_stopped_after(millis).await);
    }
    external.dedup();
    assert_eq!(
        external,
        [TurnKind::Cancelled, TurnKind::Reply],
        "both sides of the commit were met"
    );
}

/// Holds back nothing but one call, and stops the message there.
async fn check_stopped_at(op: PortCall, fault: Fault) {
    let name = format!("{op:?}: {}", fault.name());
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    let gate = Gate::new();
    scenario.add_fault(FaultRule::at(Function::Worker, op, 1, Fault::Hold(gate.clone())));
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Send, 1, fault));
    let delivery = request(&scenario).await;
    let stopping = async {
        gate.reached().await;
        anna.stop("m1").await.unwrap();
        gate.open();
    };
    tokio::join!(scenario.answer(&delivery), stopping);
    scenario.end(&[(&anna, &tab)]).await.unwrap_or_else(|story| panic!("{name}: {story}"));
    let view = tab.view();
    assert_eq!((view.shown.len(), view.shown[0].kind), (1, TurnKind::Cancelled), "{name}");
    assert_eq!((told(&scenario, "wrote turn 1 as"), scenario.event_ids().len()), (1, 1), "{name}");
}

#[tokio::test(start_paused = true)]
async fn s30_a_stop_between_reading_and_writing_counts_also_when_the_worker_dies_after_commit() {
    for op in
        [PortCall::Claim, PortCall::Open, PortCall::Next, PortCall::Checkpoint, PortCall::Commit]
    {
        for fault in [Fault::Stall(Duration::ZERO), Fault::CrashBefore] {
            Box::pin(check_stopped_at(op, fault)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s30_a_stop_in_the_middle_of_a_stream_drops_the_providers_stream_within_a_second() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    let mut long = words(200);
    long.push(ModelStep::Finish(FinishReason::Stop));
    scenario.script_model(ProviderName::Claude, long);
    let delivery = request(&scenario).await;
    let stopping = async {
        sleep(Duration::from_millis(10_200)).await;
        let read = calls(&scenario, PortCall::Next);
        let seen = shown(&scenario, 1).last().unwrap().1;
        anna.stop("m1").await.unwrap();
        (read, seen)
    };
    let ((), (read, seen)) = tokio::join!(scenario.answer(&delivery), stopping);
    let row = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (row.kind, row.finish_reason),
        (Some(TurnKind::Cancelled), Some(FinishReason::Cancelled))
    );
    let text = row.text.unwrap();
    assert!(
        "word ".repeat(200).starts_with(&text) && text.len() >= seen,
        "{seen} bytes were shown: {text}"
    );
    assert!(calls(&scenario, PortCall::Next) <= read + 3, "a checkpoint a second reads the flag");
    let after = calls(&scenario, PortCall::Next);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!(
        (calls(&scenario, PortCall::Next), scenario.model_calls(), &turn.text),
        (after, 1, &text)
    );
}

#[tokio::test(start_paused = true)]
async fn s30_a_stop_while_the_message_waits_costs_no_model_call_and_holds_up_nobody() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    anna.say("m2").await.unwrap();
    anna.stop("m1").await.unwrap();
    scenario.run_queues().await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let shown: Vec<_> =
        tab.view().shown.iter().map(|turn| (turn.kind, turn.text.is_empty())).collect();
    assert_eq!(shown, [(TurnKind::Cancelled, true), (TurnKind::Reply, false)]);
    assert_eq!(scenario.model_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn s30_a_stop_after_the_workers_death_keeps_the_saved_text_without_another_model_call() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    scenario.script_model(ProviderName::Claude, words(200));
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Next, 21, Fault::CrashBefore));
    assert!(scenario.work(&request(&scenario).await).await.returned().is_none());
    let saved = scenario.turn(&anna, 1).await.unwrap().partial.unwrap();
    assert!(saved.len() > 5 * 15, "{saved}");
    anna.stop("m1").await.unwrap();
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.kind, turn.generation, &turn.text), (TurnKind::Cancelled, 1, &saved));
    assert_eq!(scenario.model_calls(), 1);
}

/// What an older generation said is nobody's text any more.
#[tokio::test(start_paused = true)]
async fn s30_a_stop_after_two_deaths_keeps_nothing_of_the_first_generation() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    scenario.script_model(ProviderName::Claude, words(200));
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Next, 21, Fault::CrashBefore));
    assert!(scenario.work(&request(&scenario).await).await.returned().is_none());
    assert!(scenario.turn(&anna, 1).await.unwrap().partial.is_some());
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Open, 1, Fault::CrashBefore));
    assert!(scenario.work(&request(&scenario).await).await.returned().is_none());
    anna.stop("m1").await.unwrap();
    let tab = anna.open_tab(1);
    settle().await;
    assert_eq!((shown(&scenario, 1), scenario.turn(&anna, 1).await.unwrap().epoch.0), (vec![], 2));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.kind, turn.text.as_str()), (TurnKind::Cancelled, ""));
}

#[tokio::test(start_paused = true)]
async fn s30_a_stop_after_the_final_changes_nothing() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    scenario.answer(&request(&scenario).await).await;
    let before = scenario.turn(&anna, 1).await.unwrap();
    anna.stop("m1").await.unwrap();
    assert_eq!(scenario.turn(&anna, 1).await.unwrap(), before);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((tab.view().shown[0].kind, scenario.model_calls()), (TurnKind::Reply, 1));
}
