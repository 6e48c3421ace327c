//! Workers that die: scenarios 10 to 14.

use std::time::Duration;

use shared::domain::TurnKind;
use shared::ports::EventSource as _;
use shared::protocol::TurnState;
use simulation::faults::{Fault, Function, Op, Rule};
use simulation::stage::{Scene, Stage};
use tokio::time::{Instant, sleep};

use super::{asked, calls, generations_shown, replies, request, settle, told};

/// Kills the first worker at its `nth` call of any kind; tells whether it made so many.
async fn check_killed_at(nth: usize, fault: Fault) -> bool {
    let name = fault.name();
    let stage = Stage::new().unwrap();
    stage.drive();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    settle().await;
    stage.lay(Rule::anywhere(Function::Worker, nth, fault));
    anna.say("m1").await.unwrap();
    anna.say("m2").await.unwrap();
    // Killed before it could say when, a worker leaves its message hidden for the queue's whole 15
    // minutes. A turn that the cleanup had to end would be an error.
    sleep(Duration::from_mins(16)).await;
    let hit = stage.faults.tally().counts().faults.contains_key(name);
    let finals: Vec<_> =
        tab.view().shown.iter().map(|turn| (turn.message_id.clone(), turn.kind)).collect();
    let expected = ["m1", "m2"].map(|id| (id.to_owned(), TurnKind::Reply));
    assert_eq!(finals, expected, "{name} {nth}");
    stage.end(&[(&anna, &tab)]).await.unwrap_or_else(|story| panic!("{name} {nth}: {story}"));
    let events = stage.event_ids();
    assert_eq!(
        (events.len(), told(&stage, "wrote turn 1 as Reply")),
        (2, 1),
        "{name} {nth}: {events:?}"
    );
    assert!(stage.model_calls() <= 3, "{name} {nth}: one death costs at most one more call");
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
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    stage.lay(Rule::at(Function::Worker, Op::Commit, 1, Fault::CrashBefore));
    let first = request(&stage).await;
    assert!(stage.work(&first).await.returned().is_none());
    settle().await;
    let row = stage.turn(&anna, 1).await.unwrap();
    assert_eq!((row.state, row.epoch.0, stage.model_calls()), (TurnState::Running, 1, 1));
    assert!(
        stage.cloud.replies.is_empty()
            && tab.view().shown.is_empty()
            && stage.event_ids().is_empty()
    );
    assert_eq!(generations_shown(&stage, 1), [1], "the text was on its way, as provisional");

    stage.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.generation, turn.kind, stage.model_calls()), (2, TurnKind::Reply, 2));
    assert!(turn.text.contains("call 2:") && !turn.text.contains("call 1:"), "{}", turn.text);
    assert_eq!((generations_shown(&stage, 1), stage.event_ids().len()), (vec![1, 2], 1));
}

/// Kills the first worker between its commit and the queue; the stored final is sent when the
/// message returns.
async fn check_killed_after_commit(op: Op, fault: Fault) {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    stage.lay(Rule::at(Function::Worker, op, 1, fault));
    let first = request(&stage).await;
    assert!(stage.work(&first).await.returned().is_none());
    let row = stage.turn(&anna, 1).await.unwrap();
    assert_eq!((row.state, stage.cloud.replies.len()), (TurnState::Committed, 0));

    let again = request(&stage).await;
    assert_eq!(again.receive_count, 2);
    stage.answer(&again).await;
    assert!(stage.cloud.requests.is_empty(), "it is acknowledged");
    assert_eq!((stage.turn(&anna, 1).await.unwrap(), stage.model_calls()), (row.clone(), 1));
    stage.deliver(&replies(&stage).await).await;
    settle().await;
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.generation, Some(turn.text.clone())), (1, row.text));
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((stage.model_calls(), calls(&stage, Op::Commit)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn s12_a_worker_killed_between_commit_and_queue_is_followed_by_the_stored_final_without_a_model_call()
 {
    for (op, fault) in [(Op::Commit, Fault::CrashAfter), (Op::Send, Fault::CrashBefore)] {
        Box::pin(check_killed_after_commit(op, fault)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn s13_a_worker_killed_after_the_final_was_queued_costs_a_duplicate_that_the_queue_drops() {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    stage.lay(Rule::at(Function::Worker, Op::Send, 1, Fault::CrashAfter));
    let first = request(&stage).await;
    assert!(stage.work(&first).await.returned().is_none());
    assert_eq!(stage.cloud.replies.len(), 1);
    stage.answer(&request(&stage).await).await;
    assert_eq!((calls(&stage, Op::Send), stage.cloud.replies.len()), (2, 1));
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((stage.model_calls(), tab.view().shown.len(), stage.event_ids().len()), (1, 1, 1));
}

/// The queue of replies forgets a pointer after five minutes, and the message returns later than
/// that.
#[tokio::test(start_paused = true)]
async fn s13_a_duplicate_that_the_queue_takes_is_absorbed_by_the_notifier() {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    stage.lay(Rule::at(Function::Worker, Op::Hide, 1, Fault::Fail));
    stage.lay(Rule::at(Function::Worker, Op::Send, 1, Fault::CrashAfter));
    let first = request(&stage).await;
    assert!(stage.work(&first).await.returned().is_none());
    stage.answer(&request(&stage).await).await;
    let batch = replies(&stage).await;
    assert_eq!(batch.len(), 2, "both pointers are there");
    stage.deliver(&batch).await;
    assert!(stage.cloud.replies.is_empty());
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((stage.model_calls(), tab.view().shown.len(), stage.event_ids().len()), (1, 1, 1));
    assert_eq!(stage.session(&anna).await.unwrap().total_turns, 1);
}

#[tokio::test(start_paused = true)]
async fn s13_a_lost_acknowledgement_of_the_message_is_absorbed_whatever_became_of_the_final() {
    for delivered in [false, true] {
        let (stage, anna) = asked(Scene::default()).await;
        let tab = anna.open_tab(1);
        stage.lay(Rule::at(Function::Mapping, Op::Delete, 1, Fault::Fail));
        stage.answer(&request(&stage).await).await;
        if delivered {
            stage.deliver(&replies(&stage).await).await;
        }
        let row = stage.turn(&anna, 1).await.unwrap();
        let expected = if delivered { TurnState::Delivered } else { TurnState::Committed };
        assert_eq!((row.state, stage.cloud.requests.len()), (expected, 1));
        stage.answer(&request(&stage).await).await;
        assert!(stage.cloud.requests.is_empty());
        assert_eq!((stage.turn(&anna, 1).await.unwrap(), calls(&stage, Op::Claim)), (row, 1));
        stage.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!(
            (stage.model_calls(), tab.view().shown.len(), stage.event_ids().len()),
            (1, 1, 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn s14_a_commit_whose_acknowledgement_was_lost_is_recognised_and_its_final_sent_by_the_same_worker()
 {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    stage.lay(Rule::at(Function::Worker, Op::Commit, 1, Fault::LoseAck));
    let began = Instant::now();
    let first = request(&stage).await;
    stage.work(&first).await.returned().unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(
        (calls(&stage, Op::Commit), told(&stage, "wrote turn 1 as")),
        (2, 1),
        "the second one was refused"
    );
    assert_eq!((stage.cloud.replies.len(), stage.model_calls()), (1, 1));
    stage.cloud.requests.delete(&first.receipt).await.unwrap();
    stage.end(&[(&anna, &tab)]).await.unwrap();
    let view = tab.view();
    assert_eq!((view.shown.len(), view.shown[0].generation, stage.model_calls()), (1, 1, 1));
}

/// The store stays away, so the worker cannot know; whoever has the message next finds the final.
#[tokio::test(start_paused = true)]
async fn s14_a_commit_whose_outcome_nobody_learns_is_found_when_the_message_returns() {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    stage.lay(Rule::at(Function::Worker, Op::Commit, 1, Fault::LoseAck));
    stage.lay(Rule::during(Function::Worker, Op::Commit, 2..=50, Fault::Fail));
    let first = request(&stage).await;
    let result = stage.work(&first).await.returned().unwrap();
    assert!(matches!(result, Err(worker::WorkerError::Store(_))), "{result:?}");
    let row = stage.turn(&anna, 1).await.unwrap();
    assert_eq!((row.state, stage.cloud.replies.len()), (TurnState::Committed, 0));
    stage.answer(&request(&stage).await).await;
    assert_eq!(
        (stage.cloud.requests.len(), stage.cloud.replies.len(), stage.model_calls()),
        (0, 1, 1)
    );
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(
        (Some(tab.view().shown[0].text.clone()), told(&stage, "wrote turn 1 as")),
        (row.text, 1)
    );
}
