//! 58: a stale claim never ends a turn that another worker is answering; 64: a turn that nobody
//! comes back to.

use std::time::Duration;

use shared::domain::{ErrorCode, ProviderName, TurnKind};
use shared::protocol::TurnState;
use simulation::cloud::Limits;
use simulation::faults::{Fault, Function, Op, Rule};
use simulation::stage::{Actor, Scene, Stage};
use tokio::time::{Instant, sleep, sleep_until};

use super::words;

/// A stage on which a message is received once before it is a dead letter.
fn unforgiving() -> Stage {
    let limits = Limits { requests_receives: 1, ..Limits::default() };
    Scene { limits, ..Scene::default() }.set().unwrap()
}

/// The worker of m2 reads the abandoned turn 1, stalls, and comes back while m1, which an operator
/// brought back, is being answered by another worker.
#[tokio::test(start_paused = true)]
async fn s58_a_stale_claim_does_not_end_the_turn_before_while_another_worker_answers_it() {
    let stage = unforgiving();
    let began = Instant::now();
    let at = |second| sleep_until(began + Duration::from_secs(second));
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    stage.lay(Rule::at(Function::Worker, Op::Commit, 1, Fault::CrashBefore));
    let stalled = Fault::FreezeBefore(Duration::from_secs(200));
    stage.lay(Rule::at(Function::Worker, Op::EndPredecessor, 1, stalled));
    for plot in [words(1), words(100), words(1)] {
        stage.plot(ProviderName::Claude, plot);
    }
    anna.say("m1").await.unwrap();
    anna.say("m2").await.unwrap();
    stage.drive();
    at(290).await;
    assert_eq!(
        stage.faults.calls(Function::Worker, Op::EndPredecessor),
        1,
        "the worker of m2 stands still"
    );
    at(310).await;
    assert_eq!(stage.platform.redrive().await, 2, "both messages are dead letters by now");
    at(349).await;
    let before = stage.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (before.state, before.epoch.0),
        (TurnState::Running, 2),
        "another worker is at turn 1"
    );
    at(360).await;
    let after = stage.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (after.state, after.epoch.0),
        (TurnState::Running, 2),
        "the stale claim came back at 350 s"
    );
    at(440).await;
    assert_eq!(
        tab.view().shown.iter().map(|turn| turn.kind).collect::<Vec<_>>(),
        [TurnKind::Reply; 2]
    );
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((stage.model_calls(), stage.event_ids().len()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn s58_a_stale_claim_takes_nothing_from_the_worker_that_claimed_meanwhile() {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    stage.plot(ProviderName::Claude, words(30));
    stage.lay(Rule::at(
        Function::Worker,
        Op::Claim,
        1,
        Fault::FreezeBefore(Duration::from_secs(160)),
    ));
    anna.say("m1").await.unwrap();
    stage.drive();
    sleep(Duration::from_secs(170)).await;
    assert_eq!(stage.faults.calls(Function::Worker, Op::Claim), 2, "both tried");
    let turn = stage.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (turn.state, turn.epoch.0),
        (TurnState::Running, 1),
        "the second worker's generation stands"
    );
    assert!(!stage.cloud.requests.is_empty(), "the stale worker did not acknowledge");
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((stage.model_calls(), stage.turn(&anna, 2).await), (1, None));
}

/// Lets a turn's message become a dead letter while the turn runs, and nobody write to the session
/// any more.
async fn abandoned(stage: &Stage) -> Actor {
    let anna = stage.actor(1, "lesson").await.unwrap();
    stage.lay(Rule::at(Function::Worker, Op::Commit, 1, Fault::CrashBefore));
    anna.say("m1").await.unwrap();
    stage.drive();
    sleep(Duration::from_mins(14)).await;
    assert!(stage.cloud.requests.is_empty(), "the message is a dead letter");
    assert_eq!(stage.turn(&anna, 1).await.unwrap().state, TurnState::Running);
    anna
}

#[tokio::test(start_paused = true)]
async fn s64_a_turn_whose_message_is_a_dead_letter_and_that_has_no_successor_is_ended_by_the_cleanup()
 {
    let stage = unforgiving();
    let anna = abandoned(&stage).await;
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(tab.cursor(), 0);
    sleep(Duration::from_mins(7)).await;
    let turn = stage.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (turn.state, turn.error.map(|error| error.code)),
        (TurnState::Delivered, Some(ErrorCode::Abandoned))
    );
    assert_eq!(
        tab.view().shown[0].error,
        Some(ErrorCode::Abandoned),
        "shown without anybody asking"
    );
    assert_eq!(stage.platform.redrive().await, 1);
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(
        (stage.model_calls(), stage.event_ids().len()),
        (1, 1),
        "the redriven message was absorbed"
    );
}

#[tokio::test(start_paused = true)]
async fn s64_a_stopped_turn_that_is_abandoned_is_ended_by_the_cleanup_as_cancelled_with_the_saved_text()
 {
    let stage = unforgiving();
    let anna = abandoned(&stage).await;
    let saved = stage.turn(&anna, 1).await.unwrap().partial.unwrap();
    anna.stop("m1").await.unwrap();
    sleep(Duration::from_mins(7)).await;
    let turn = stage.turn(&anna, 1).await.unwrap();
    assert_eq!(
        (turn.state, turn.kind, turn.text),
        (TurnState::Delivered, Some(TurnKind::Cancelled), Some(saved))
    );
    stage.end(&[]).await.unwrap();
    assert_eq!(stage.model_calls(), 1);
}
