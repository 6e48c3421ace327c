//! 57: a session deleted while a turn runs, then a late redelivery: nothing comes back.

use std::time::Duration;

use client::account::CallError;
use client::tab::Ended;
use shared::domain::ProviderName;
use simulation::faults::{Fault, Function, Op, Rule};
use simulation::stage::{Actor, Stage};
use tokio::time::sleep;

use super::{event_types, rows, words};

/// Checks that nothing is left of the session but its tombstone, and that nobody was told of a
/// turn.
async fn check_gone(stage: &Stage, actor: &Actor) {
    assert_eq!(rows(stage, actor).await, ["META"]);
    assert_eq!(event_types(stage), ["Session Deleted"]);
    assert_eq!(actor.account.history(&actor.session, 0, 10).await, Err(CallError::NotFound));
    assert_eq!(actor.say("m9").await, Err(CallError::NotFound));
}

#[tokio::test(start_paused = true)]
async fn s57_a_message_that_comes_back_after_its_session_was_deleted_brings_nothing_back() {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    stage.drive();
    stage.lay(Rule::at(Function::Worker, Op::Commit, 1, Fault::CrashBefore));
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(10)).await;
    anna.account.delete(&anna.session).await.unwrap();
    assert!(!stage.cloud.requests.is_empty(), "the message is still to come back");
    sleep(Duration::from_mins(5)).await;
    assert!(stage.cloud.requests.is_empty(), "it came back and was acknowledged");
    assert_eq!(stage.faults.calls(Function::Worker, Op::Claim), 1);
    stage.end(&[(&anna, &tab)]).await.unwrap();
    check_gone(&stage, &anna).await;
    assert_eq!(
        (stage.model_calls(), tab.view().ended, tab.view().shown.len()),
        (1, Some(Ended::Gone), 0)
    );
}

#[tokio::test(start_paused = true)]
async fn s57_a_worker_whose_session_is_deleted_drops_its_stream_and_writes_nothing_more() {
    let stage = Stage::new().unwrap();
    stage.plot(ProviderName::Claude, words(60));
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    stage.drive();
    anna.say("m1").await.unwrap();
    sleep(Duration::from_millis(5_500)).await;
    anna.account.delete(&anna.session).await.unwrap();
    sleep(Duration::from_secs(3)).await;
    let heard = stage.faults.calls(Function::Worker, Op::Next);
    assert!(stage.cloud.requests.is_empty(), "acknowledged as soon as a checkpoint was refused");
    stage.end(&[(&anna, &tab)]).await.unwrap();
    check_gone(&stage, &anna).await;
    assert_eq!(
        stage.faults.calls(Function::Worker, Op::Next),
        heard,
        "nobody listens to the model any more"
    );
    assert_eq!(stage.faults.calls(Function::Worker, Op::Commit), 0);
}

#[tokio::test(start_paused = true)]
async fn s57_a_zombie_cannot_commit_into_a_deleted_session() {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    stage.drive();
    stage.lay(Rule::at(
        Function::Worker,
        Op::Commit,
        1,
        Fault::FreezeBefore(Duration::from_secs(200)),
    ));
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(10)).await;
    anna.account.delete(&anna.session).await.unwrap();
    sleep(Duration::from_mins(5)).await;
    assert_eq!(stage.faults.calls(Function::Worker, Op::Commit), 1, "it came back and tried");
    stage.end(&[]).await.unwrap();
    check_gone(&stage, &anna).await;
}

#[tokio::test(start_paused = true)]
async fn s57_a_final_on_its_way_is_not_delivered_once_its_session_is_deleted() {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    stage.answer(&stage.request().await).await;
    anna.account.delete(&anna.session).await.unwrap();
    let batch = stage.replies().await;
    assert!(
        batch[0].body.contains("\"final\""),
        "its pointer comes before the notice of the deletion"
    );
    stage.deliver(&batch).await;
    assert_eq!(stage.faults.calls(Function::Notifier, Op::Push), 0);
    stage.end(&[]).await.unwrap();
    check_gone(&stage, &anna).await;
}
