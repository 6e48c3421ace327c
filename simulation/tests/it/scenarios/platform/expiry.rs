//! Rows past their end that the table has not removed yet.

use std::time::Duration;

use client::account::CallError;
use shared::domain::Rating;
use simulation::faults::{Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::sleep;

/// Sets up a scenario in which sessions live an hour. Nothing removes their rows but the test.
fn scenario() -> Scenario {
    ScenarioSetup::default().with("CHATBOT_SESSION_TTL_HOURS", "1").build().unwrap()
}

/// Lets a session pass its end; its rows stay.
async fn outlive(scenario: &Scenario, anna: &ScenarioUser) {
    let rows = scenario.rows(anna).await;
    sleep(Duration::from_hours(2)).await;
    assert_eq!(scenario.rows(anna).await, rows, "nothing was removed");
    assert!(rows.len() > 1 && scenario.session(anna).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn s50_expired_rows_are_absent_for_every_call_though_they_are_still_stored() {
    let scenario = scenario();
    let anna = scenario.user(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    scenario.run_queues().await;
    outlive(&scenario, &anna).await;
    let account = &anna.account;
    assert_eq!(account.history("lesson", 0, 10).await, Err(CallError::NotFound));
    assert_eq!(account.ticket("lesson").await, Err(CallError::NotFound));
    assert_eq!(account.stop("lesson", "m1").await, Err(CallError::NotFound));
    assert_eq!(account.rate("lesson", 1, Rating::Up, None).await, Err(CallError::NotFound));
    let rows = scenario.rows(&anna).await;
    assert_eq!(account.delete("lesson").await, Err(CallError::NotFound));
    assert_eq!(scenario.rows(&anna).await, rows);
    scenario.end(&[]).await.unwrap();
}

/// The old rows are in the way of nothing, and nobody is reminded of them, whoever removes them in
/// the end.
#[tokio::test(start_paused = true)]
async fn s50_a_session_that_begins_anew_over_expired_rows_knows_nothing_of_them() {
    let scenario = scenario();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    for id in ["m1", "m2"] {
        anna.say(id).await.unwrap();
        scenario.run_queues().await;
    }
    let born = scenario.session(&anna).await.unwrap().created_at;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(tab.cursor(), 2);
    tab.close();
    sleep(Duration::from_secs(1)).await;
    outlive(&scenario, &anna).await;

    // A message whose id and text the expired rows hold too, and a new one.
    for id in ["m1", "m3"] {
        anna.say(id).await.unwrap();
        scenario.run_queues().await;
    }
    let session = scenario.session(&anna).await.unwrap();
    assert_eq!((session.accepted, session.next_turn.get(), session.total_turns), (2, 3, 2));
    assert_ne!(session.created_at, born);
    assert_eq!(scenario.model_calls(), 4, "the id is new in the new session");
    let tab = anna.open_tab(2);
    let told = anna.account.history("lesson", 0, 10).await.unwrap();
    scenario.cloud.store.purge_expired(1_000);
    scenario.platform.clean_up().await.unwrap();
    assert_eq!(anna.account.history("lesson", 0, 10).await.unwrap(), told);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let ids: Vec<String> = tab.view().shown.iter().map(|turn| turn.message_id.clone()).collect();
    assert_eq!(ids, ["m1", "m3"]);
}

#[tokio::test(start_paused = true)]
async fn s50_a_request_that_comes_back_after_its_session_ended_calls_no_model_and_writes_nothing() {
    let scenario = scenario();
    let anna = scenario.user(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    scenario.request().await;
    outlive(&scenario, &anna).await;
    let rows = scenario.rows(&anna).await;
    let delivery = scenario.request().await;
    assert_eq!(delivery.receive_count, 2);
    assert!(scenario.work(&delivery).await.returned().unwrap().is_ok(), "it is acknowledged");
    assert_eq!((scenario.model_calls(), scenario.rows(&anna).await), (0, rows));
    assert!(scenario.cloud.replies.is_empty());
    scenario.end(&[]).await.unwrap();
}

/// What nobody delivered in time is nobody's any more; that it happened is told all the same.
#[tokio::test(start_paused = true)]
async fn s50_a_final_that_comes_after_its_session_ended_is_pushed_to_nobody() {
    let scenario = scenario();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    anna.say("m1").await.unwrap();
    let request = scenario.request().await;
    tab.suspend();
    scenario.answer(&request).await;
    outlive(&scenario, &anna).await;
    let batch = scenario.replies().await;
    assert_eq!(batch.len(), 1);
    scenario.deliver(&batch).await;
    assert_eq!(scenario.faults.calls(Function::Notifier, PortCall::Push), 0);
    assert!(scenario.cloud.replies.is_empty(), "it is acknowledged");
    scenario.platform.clean_up().await.unwrap();
    let events: Vec<_> =
        scenario.cloud.events.published().iter().map(|event| event.detail_type).collect();
    assert_eq!(events, ["Session Expired", "Chat Message"]);
    assert!(scenario.rows(&anna).await.is_empty());
    tab.wake();
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(tab.view().shown.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn s50_an_expired_connection_is_sent_nothing_of_the_session_that_begins_anew() {
    let scenario = scenario();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    anna.say("m1").await.unwrap();
    scenario.run_queues().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!((tab.cursor(), scenario.cloud.network.open_connections()), (1, 1));
    // The browser sleeps: its socket stays open, and nothing renews its row.
    tab.suspend();
    outlive(&scenario, &anna).await;
    assert_eq!(scenario.cloud.network.open_connections(), 1);
    let pushes = scenario.faults.calls(Function::Worker, PortCall::Push);
    anna.say("m2").await.unwrap();
    scenario.run_queues().await;
    assert_eq!(scenario.faults.calls(Function::Worker, PortCall::Push), pushes);
    assert_eq!((tab.cursor(), scenario.model_calls()), (1, 2));
    // It wakes, asks, and learns that all that it shows is over.
    tab.wake();
    sleep(Duration::from_secs(1)).await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let ids: Vec<String> = tab.view().shown.iter().map(|turn| turn.message_id.clone()).collect();
    assert_eq!((ids, tab.view().ended), (vec!["m2".to_owned()], None));
}
