//! Messages that come back, late or never: scenarios 25 to 28.

use std::time::Duration;

use client::tab::TabHandle;
use shared::domain::{ErrorCode, FinishReason, ProviderName, TurnKind};
use shared::ports::EventSource as _;
use shared::protocol::TurnState;
use simulation::cloud::ModelStep;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::{Instant, sleep};
use worker::WorkerError;

use super::{asked, calls, generations_shown, replies, request, settle, told, words};

/// Kills every worker of the first message at a call until the queue gives the message up; `m2`
/// waits behind it.
async fn given_up(op: PortCall) -> (Scenario, ScenarioUser) {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    anna.say("m2").await.unwrap();
    scenario.add_fault(FaultRule::during(Function::Worker, op, 1..=10, Fault::CrashBefore));
    for receive in 1..=10 {
        let delivery = request(&scenario).await;
        assert_eq!((delivery.receive_count, delivery.body.contains("\"m1\"")), (receive, true));
        assert!(scenario.work(&delivery).await.returned().is_none());
    }
    (scenario, anna)
}

async fn dead(scenario: &Scenario) -> usize {
    scenario.cloud.requests.dead_letters(10).await.unwrap().len()
}

fn ids_and_kinds(tab: &TabHandle) -> Vec<(String, TurnKind)> {
    tab.view().shown.iter().map(|turn| (turn.message_id.clone(), turn.kind)).collect()
}

#[tokio::test(start_paused = true)]
async fn s25_a_predecessor_dead_lettered_while_running_ends_as_an_error_and_order_is_kept() {
    let (scenario, anna) = given_up(PortCall::Commit).await;
    let tab = anna.open_tab(1);
    let next = request(&scenario).await;
    assert!(next.body.contains("\"m2\""));
    let before = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!((dead(&scenario).await, before.state, before.epoch.0), (1, TurnState::Running, 4));
    let model_calls = scenario.model_calls();
    assert_eq!(model_calls, 4, "one for each generation");
    scenario.answer(&next).await;
    let row = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (row.kind, row.error.map(|error| error.code)),
        (Some(TurnKind::Error), Some(ErrorCode::Abandoned))
    );
    assert_eq!(scenario.turn(&anna, 2).await.unwrap().kind, Some(TurnKind::Reply));
    let order: Vec<u64> =
        replies(&scenario).await.iter().map(|delivery| turn_of(&delivery.body)).collect();
    assert_eq!((order, scenario.model_calls()), (vec![1, 2], model_calls + 1));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(
        ids_and_kinds(&tab),
        [("m1".to_owned(), TurnKind::Error), ("m2".to_owned(), TurnKind::Reply)]
    );
    assert_eq!(scenario.model_calls(), model_calls + 1, "its redrive called nobody");
}

fn turn_of(body: &str) -> u64 {
    serde_json::from_str::<serde_json::Value>(body).unwrap()["turn"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn s26_a_redriven_message_whose_turn_is_over_is_absorbed() {
    let (scenario, anna) = given_up(PortCall::Commit).await;
    let tab = anna.open_tab(1);
    // The queue gives the first message up when its last hold on it ends.
    scenario.answer(&request(&scenario).await).await;
    scenario.run_queues().await;
    anna.say("m3").await.unwrap();
    scenario.run_queues().await;
    settle().await;
    assert_eq!((ids_and_kinds(&tab).len(), dead(&scenario).await), (3, 1));
    let rows = scenario.rows(&anna).await;
    let events = scenario.event_ids();
    let model_calls = scenario.model_calls();
    let claims = calls(&scenario, PortCall::Claim);
    assert_eq!(scenario.platform.redrive().await, 1);
    let old = request(&scenario).await;
    assert!(old.body.contains("\"m1\""));
    scenario.answer(&old).await;
    assert!(
        scenario.cloud.requests.is_empty() && scenario.cloud.replies.is_empty(),
        "acknowledged, and nothing sent"
    );
    assert_eq!(
        (scenario.rows(&anna).await, scenario.event_ids(), scenario.model_calls()),
        (rows, events, model_calls)
    );
    assert_eq!(calls(&scenario, PortCall::Claim), claims);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((ids_and_kinds(&tab).len(), dead(&scenario).await), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn s26_a_redriven_message_that_was_never_claimed_gets_the_next_turn() {
    let (scenario, anna) = given_up(PortCall::Claim).await;
    let tab = anna.open_tab(1);
    // The queue gives the first message up when its last hold on it ends.
    scenario.answer(&request(&scenario).await).await;
    scenario.run_queues().await;
    settle().await;
    assert_eq!(ids_and_kinds(&tab), [("m2".to_owned(), TurnKind::Reply)]);
    assert_eq!(scenario.platform.redrive().await, 1);
    scenario.run_queues().await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(ids_and_kinds(&tab), ["m2", "m1"].map(|id| (id.to_owned(), TurnKind::Reply)));
}

#[tokio::test(start_paused = true)]
async fn s27_a_message_redelivered_after_its_successor_is_replayed_and_answered_no_more() {
    for delivered in [false, true] {
        let (scenario, anna) = asked(ScenarioSetup::default()).await;
        let tab = anna.open_tab(1);
        let old = request(&scenario).await;
        scenario.answer(&old).await;
        anna.say("m2").await.unwrap();
        scenario.answer(&request(&scenario).await).await;
        // Past the memory of the queue of replies, so that a replay is one.
        sleep(Duration::from_mins(6)).await;
        if delivered {
            scenario.deliver(&replies(&scenario).await).await;
        }
        let rows = scenario.rows(&anna).await;
        scenario.work(&old).await.returned().unwrap().unwrap();
        assert_eq!(
            (scenario.rows(&anna).await, scenario.model_calls()),
            (rows, 2),
            "delivered: {delivered}"
        );
        let expected = if delivered { 0 } else { 3 };
        assert_eq!(scenario.cloud.replies.len(), expected, "delivered: {delivered}");
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!(ids_and_kinds(&tab), ["m1", "m2"].map(|id| (id.to_owned(), TurnKind::Reply)));
        assert_eq!(
            (told(&scenario, "wrote Claimed"), scenario.event_ids().len()),
            (2, 2),
            "delivered: {delivered}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn s28_a_deadline_in_the_middle_of_a_stream_is_a_clean_stop_a_pause_and_no_half_commit() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    let mut endless = words(1_000);
    endless.push(ModelStep::Finish(FinishReason::Stop));
    scenario.script_model(ProviderName::Claude, endless);
    let began = Instant::now();
    let delivery = request(&scenario).await;
    let result = scenario.work(&delivery).await.returned().unwrap();
    assert!(matches!(result, Err(WorkerError::Deadline)), "{result:?}");
    assert_eq!(began.elapsed().as_secs(), 140, "its own deadline, below the function's");
    let row = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!((row.state, row.kind, row.text), (TurnState::Running, None, None));
    assert_eq!(
        (calls(&scenario, PortCall::Commit), scenario.cloud.replies.len(), tab.cursor()),
        (0, 0, 0)
    );
    let saved = row.partial.unwrap();
    assert!(
        "word ".repeat(280).starts_with(&saved) && saved.len() > 5 * 270,
        "{} bytes",
        saved.len()
    );

    let read = calls(&scenario, PortCall::Next);
    let again = request(&scenario).await;
    assert_eq!(
        (began.elapsed().as_secs(), again.receive_count),
        (142, 2),
        "it waits two seconds, not fifteen minutes"
    );
    assert_eq!(calls(&scenario, PortCall::Next), read, "the provider's stream was dropped");
    scenario.answer(&again).await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.kind, turn.generation, scenario.model_calls()), (TurnKind::Reply, 2, 2));
    assert!(!turn.text.contains("word"), "{}", turn.text);
    assert_eq!(generations_shown(&scenario, 1), [1, 2]);
}

/// Back-off, generations and receives all have an end: the turn's is an error.
#[tokio::test(start_paused = true)]
async fn s28_a_reply_that_never_ends_in_time_ends_as_an_error_after_the_last_generation() {
    let (scenario, anna) =
        asked(ScenarioSetup::default().with("CHATBOT_WORKER_DEADLINE_SECONDS", "20")).await;
    let tab = anna.open_tab(1);
    for _ in 0..4 {
        scenario.script_model(ProviderName::Claude, words(1_000));
    }
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!(
        (turn.kind, turn.error, turn.generation),
        (TurnKind::Error, Some(ErrorCode::AttemptsExhausted), 4)
    );
    assert_eq!(scenario.model_calls(), 4);
}
