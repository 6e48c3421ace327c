//! Workers that die: scenarios 10 to 14.

use std::time::Duration;

use shared::domain::TurnKind;
use shared::ports::EventSource as _;
use shared::protocol::TurnState;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup};
use tokio::time::{Instant, sleep};

use super::{asked, calls, generations_shown, replies, request, settle, told};

/// Kills the first worker at its `nth` call of any kind; tells whether it made so many.
async fn check_killed_at(nth: usize, fault: Fault) -> bool {
    let name = fault.name();
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    settle().await;
    scenario.add_fault(FaultRule::anywhere(Function::Worker, nth, fault));
    anna.say("m1").await.unwrap();
    anna.say("m2").await.unwrap();
    // Killed before it could say when, a worker leaves its message hidden for the queue's whole 15
    // minutes. A turn that the cleanup had to end would be an error.
    sleep(Duration::from_mins(16)).await;
    let hit = scenario.faults.tally().counts().faults.contains_key(name);
    let finals: Vec<_> =
        tab.view().shown.iter().map(|turn| (turn.message_id.clone(), turn.kind)).collect();
    let expected = ["m1", "m2"].map(|id| (id.to_owned(), TurnKind::Reply));
    assert_eq!(finals, expected, "{name} {nth}");
    scenario.end(&[(&anna, &tab)]).await.unwrap_or_else(|story| panic!("{name} {nth}: {story}"));
    let events = scenario.event_ids();
    assert_eq!(
        (events.len(), told(&scenario, "wrote turn 1 as Reply")),
        (2, 1),
        "{name} {nth}: {events:?}"
    );
    assert!(scenario.model_calls() <= 3, "{name} {nth}: one death costs at most one more call");
    tab.close();
    hit
}

#[tokio::test(start_paused = true)]
async fn s10_a_worker_killed_at_any_of_its_calls_converges_to_one_answer_each() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let mut nth = 1;
        while check_killed_at(nth, fault.clone()).await {
            nth += 1;
        }
        assert!(nth > 40, "two turns are more than {nth} calls");
    }
}

#[tokio::test(start_paused = true)]
async fn s11_a_worker_killed_after_the_model_answered_regenerates_once_and_nobody_saw_a_final() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Commit, 1, Fault::CrashBefore));
    let first = request(&scenario).await;
    assert!(scenario.work(&first).await.returned().is_none());
    settle().await;
    let row = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!((row.state, row.epoch.0, scenario.model_calls()), (TurnState::Running, 1, 1));
    assert!(
        scenario.cloud.replies.is_empty()
            && tab.view().shown.is_empty()
            && scenario.event_ids().is_empty()
    );
    assert_eq!(generations_shown(&scenario, 1), [1], "the text was on its way, as provisional");

    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.generation, turn.kind, scenario.model_calls()), (2, TurnKind::Reply, 2));
    assert!(turn.text.contains("call 2:") && !turn.text.contains("call 1:"), "{}", turn.text);
    assert_eq!((generations_shown(&scenario, 1), scenario.event_ids().len()), (vec![1, 2], 1));
}

/// Kills the first worker between its commit and the queue; the stored final is sent when the
/// message returns.
async fn check_killed_after_commit(op: PortCall, fault: Fault) {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    scenario.add_fault(FaultRule::at(Function::Worker, op, 1, fault));
    let first = request(&scenario).await;
    assert!(scenario.work(&first).await.returned().is_none());
    let row = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!((row.state, scenario.cloud.replies.len()), (TurnState::Committed, 0));

    let again = request(&scenario).await;
    assert_eq!(again.receive_count, 2);
    scenario.answer(&again).await;
    assert!(scenario.cloud.requests.is_empty(), "it is acknowledged");
    assert_eq!((scenario.turn(&anna, 1).await.unwrap(), scenario.model_calls()), (row.clone(), 1));
    scenario.deliver(&replies(&scenario).await).await;
    settle().await;
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.generation, Some(turn.text.clone())), (1, row.text));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((scenario.model_calls(), calls(&scenario, PortCall::Commit)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn s12_a_worker_killed_between_commit_and_queue_is_followed_by_the_stored_final() {
    for (op, fault) in [(PortCall::Commit, Fault::CrashAfter), (PortCall::Send, Fault::CrashBefore)]
    {
        Box::pin(check_killed_after_commit(op, fault)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn s13_a_worker_killed_after_the_final_was_queued_costs_a_duplicate_that_the_queue_drops() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Send, 1, Fault::CrashAfter));
    let first = request(&scenario).await;
    assert!(scenario.work(&first).await.returned().is_none());
    assert_eq!(scenario.cloud.replies.len(), 1);
    scenario.answer(&request(&scenario).await).await;
    assert_eq!((calls(&scenario, PortCall::Send), scenario.cloud.replies.len()), (2, 1));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(
        (scenario.model_calls(), tab.view().shown.len(), scenario.event_ids().len()),
        (1, 1, 1)
    );
}

/// The queue of replies forgets a pointer after five minutes, and the message returns later than
/// that.
#[tokio::test(start_paused = true)]
async fn s13_a_duplicate_that_the_queue_takes_is_absorbed_by_the_notifier() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Hide, 1, Fault::Fail));
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Send, 1, Fault::CrashAfter));
    let first = request(&scenario).await;
    assert!(scenario.work(&first).await.returned().is_none());
    scenario.answer(&request(&scenario).await).await;
    let batch = replies(&scenario).await;
    assert_eq!(batch.len(), 2, "both pointers are there");
    scenario.deliver(&batch).await;
    assert!(scenario.cloud.replies.is_empty());
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(
        (scenario.model_calls(), tab.view().shown.len(), scenario.event_ids().len()),
        (1, 1, 1)
    );
    assert_eq!(scenario.session(&anna).await.unwrap().total_turns, 1);
}

#[tokio::test(start_paused = true)]
async fn s13_a_lost_acknowledgement_of_the_message_is_absorbed_whatever_became_of_the_final() {
    for delivered in [false, true] {
        let (scenario, anna) = asked(ScenarioSetup::default()).await;
        let tab = anna.open_tab(1);
        scenario.add_fault(FaultRule::at(Function::Mapping, PortCall::Delete, 1, Fault::Fail));
        scenario.answer(&request(&scenario).await).await;
        if delivered {
            scenario.deliver(&replies(&scenario).await).await;
        }
        let row = scenario.turn(&anna, 1).await.unwrap();
        let expected = if delivered { TurnState::Delivered } else { TurnState::Committed };
        assert_eq!((row.state, scenario.cloud.requests.len()), (expected, 1));
        scenario.answer(&request(&scenario).await).await;
        assert!(scenario.cloud.requests.is_empty());
        assert_eq!(
            (scenario.turn(&anna, 1).await.unwrap(), calls(&scenario, PortCall::Claim)),
            (row, 1)
        );
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!(
            (scenario.model_calls(), tab.view().shown.len(), scenario.event_ids().len()),
            (1, 1, 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn s14_a_commit_whose_acknowledgement_was_lost_is_recognised_by_the_same_worker() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Commit, 1, Fault::LoseAck));
    let began = Instant::now();
    let first = request(&scenario).await;
    scenario.work(&first).await.returned().unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(
        (calls(&scenario, PortCall::Commit), told(&scenario, "wrote turn 1 as")),
        (2, 1),
        "the second one was refused"
    );
    assert_eq!((scenario.cloud.replies.len(), scenario.model_calls()), (1, 1));
    scenario.cloud.requests.delete(&first.receipt).await.unwrap();
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let view = tab.view();
    assert_eq!((view.shown.len(), view.shown[0].generation, scenario.model_calls()), (1, 1, 1));
}

/// The store stays away, so the worker cannot know; the process that receives the message next
/// finds the final.
#[tokio::test(start_paused = true)]
async fn s14_a_commit_whose_outcome_nobody_learns_is_found_when_the_message_returns() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Commit, 1, Fault::LoseAck));
    scenario.add_fault(FaultRule::during(Function::Worker, PortCall::Commit, 2..=50, Fault::Fail));
    let first = request(&scenario).await;
    let result = scenario.work(&first).await.returned().unwrap();
    assert!(matches!(result, Err(worker::WorkerError::Store(_))), "{result:?}");
    let row = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!((row.state, scenario.cloud.replies.len()), (TurnState::Committed, 0));
    scenario.answer(&request(&scenario).await).await;
    assert_eq!(
        (scenario.cloud.requests.len(), scenario.cloud.replies.len(), scenario.model_calls()),
        (0, 1, 1)
    );
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(
        (Some(tab.view().shown[0].text.clone()), told(&scenario, "wrote turn 1 as")),
        (row.text, 1)
    );
}
