//! Ingress answers everything that a user can ask, until it is answered for good.

use std::time::Duration;

use shared::domain::{ProviderName, Rating, TurnKind};
use simulation::cloud::{ModelScript, ModelStep};
use simulation::faults::{FaultRule, Function};
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::sleep;

use super::every::{Told, ensure, fault_at_every_call, finish, send_until_settled};

/// Longer than a client waits, and longer than a queue knows a message again.
const BEYOND: Duration = Duration::from_secs(400);

#[track_caller]
fn check(story: &str, floor: usize, tell: impl AsyncFn(FaultRule) -> Told) {
    fault_at_every_call(story, Function::Ingress, BEYOND, floor, tell);
}

/// A reply that is still going on when a client has given up one call and makes the next.
fn long() -> ModelScript {
    (0..40)
        .flat_map(|_| [ModelStep::Say("and ".to_owned()), ModelStep::Wait(Duration::from_secs(2))])
        .collect()
}

/// A scenario with one session in which so many messages have been answered.
async fn lesson(answered: u32) -> (Scenario, ScenarioUser) {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    scenario.drive();
    for number in 1..=answered {
        anna.say(&format!("m{number}")).await.unwrap();
        sleep(Duration::from_secs(5)).await;
    }
    (scenario, anna)
}

async fn kind(scenario: &Scenario, user: &ScenarioUser, turn: u64) -> Option<TurnKind> {
    scenario.turn(user, turn).await?.kind
}

async fn a_message(rule: FaultRule) -> Told {
    let (scenario, anna) = lesson(0).await;
    scenario.add_fault(rule);
    anna.send_until_settled("m1").await.map_err(|error| error.to_string())?;
    let came = finish(&scenario, &[]).await?;
    ensure(
        "the turns",
        (kind(&scenario, &anna, 1).await, kind(&scenario, &anna, 2).await),
        (Some(TurnKind::Reply), None),
    )?;
    ensure("calls of models", scenario.model_calls(), 1)?;
    Ok(came)
}

/// The first try of somebody unknown makes nobody's session; a repeat by its owner is answered the
/// same.
async fn a_new_session(rule: FaultRule) -> Told {
    let scenario = Scenario::new().unwrap();
    scenario.add_fault(rule);
    let anna = send_until_settled(async || scenario.user(1, "lesson").await).await?;
    send_until_settled(async || anna.account.create_session(Some("lesson")).await).await?;
    let came = finish(&scenario, &[]).await?;
    anna.say("m1").await.map_err(|error| error.to_string())?;
    scenario.end(&[]).await?;
    ensure("the turn", kind(&scenario, &anna, 1).await, Some(TurnKind::Reply))?;
    Ok(came)
}

async fn a_stop_before_the_claim(rule: FaultRule) -> Told {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    scenario.add_fault(rule);
    send_until_settled(async || anna.stop("m1").await).await?;
    scenario.drive();
    let came = finish(&scenario, &[]).await?;
    ensure(
        "the turn",
        (kind(&scenario, &anna, 1).await, scenario.model_calls()),
        (Some(TurnKind::Cancelled), 0),
    )?;
    Ok(came)
}

async fn a_stop_of_a_running_turn(rule: FaultRule) -> Told {
    let (scenario, anna) = lesson(0).await;
    scenario.script_model(ProviderName::Claude, long());
    anna.say("m1").await.unwrap();
    sleep(Duration::from_millis(1_500)).await;
    scenario.add_fault(rule);
    send_until_settled(async || anna.stop("m1").await).await?;
    let came = finish(&scenario, &[]).await?;
    ensure("the turn", kind(&scenario, &anna, 1).await, Some(TurnKind::Cancelled))?;
    Ok(came)
}

async fn a_deletion_while_a_turn_runs(rule: FaultRule) -> Told {
    let (scenario, anna) = lesson(1).await;
    scenario.script_model(ProviderName::Claude, long());
    anna.say("m2").await.unwrap();
    sleep(Duration::from_millis(1_500)).await;
    scenario.add_fault(rule);
    send_until_settled(async || anna.account.delete("lesson").await).await?;
    let came = finish(&scenario, &[]).await?;
    let left: Vec<_> = scenario.rows(&anna).await.into_iter().map(|row| row.key.sort).collect();
    ensure("what is left", left, vec!["META".to_owned()])?;
    let told = scenario
        .cloud
        .events
        .published()
        .into_iter()
        .any(|event| event.detail_type == "Session Deleted");
    ensure("its event", told, true)?;
    Ok(came)
}

async fn a_rating(rule: FaultRule) -> Told {
    let (scenario, anna) = lesson(1).await;
    scenario.add_fault(rule);
    send_until_settled(async || anna.account.rate("lesson", 1, Rating::Up, None).await).await?;
    let came = finish(&scenario, &[]).await?;
    let told = scenario
        .cloud
        .events
        .published()
        .into_iter()
        .any(|event| event.detail_type == "Chat Feedback");
    ensure("its event", told, true)?;
    Ok(came)
}

/// Two tabs connect and resume while a turn runs; one is closed.
async fn tabs(rule: FaultRule) -> Told {
    let (scenario, anna) = lesson(2).await;
    anna.say("m3").await.unwrap();
    scenario.add_fault(rule);
    let stays = anna.open_tab(1);
    let goes = anna.open_tab(2);
    sleep(Duration::from_mins(1)).await;
    goes.close();
    let came = finish(&scenario, &[(&anna, &stays)]).await?;
    ensure("the finals", stays.view().shown.len(), 3)?;
    Ok(came)
}

async fn a_look_back(rule: FaultRule) -> Told {
    let (scenario, anna) = lesson(1).await;
    scenario.script_model(ProviderName::Claude, long());
    anna.say("m2").await.unwrap();
    sleep(Duration::from_millis(1_500)).await;
    scenario.add_fault(rule);
    let history = send_until_settled(async || anna.account.history("lesson", 0, 100).await).await?;
    scenario.cloud.checker.read_back(&anna.key, &history);
    ensure("turns", history.turns.len(), 2)?;
    send_until_settled(async || anna.account.documents().await).await?;
    finish(&scenario, &[]).await
}

#[test]
fn a_fault_at_any_call_of_ingress_while_it_accepts_a_message_gives_one_answer() {
    check("a message", 7, a_message);
}

#[test]
fn a_fault_at_any_call_of_ingress_while_it_creates_a_session_leaves_one_that_works() {
    check("a new session", 8, a_new_session);
}

#[test]
fn a_fault_at_any_call_of_ingress_while_it_takes_a_stop_forgets_no_stop() {
    check("a stop before the claim", 3, a_stop_before_the_claim);
    check("a stop of a running turn", 4, a_stop_of_a_running_turn);
}

#[test]
fn a_fault_at_any_call_of_ingress_while_it_deletes_a_session_leaves_nothing_of_it() {
    check("a deletion", 10, a_deletion_while_a_turn_runs);
}

#[test]
fn a_fault_at_any_call_of_ingress_while_it_takes_a_rating_loses_no_rating() {
    check("a rating", 3, a_rating);
}

#[test]
fn a_fault_at_any_call_of_ingress_while_tabs_connect_and_resume_hides_no_final() {
    check("tabs", 45, tabs);
}

#[test]
fn a_fault_at_any_call_of_ingress_while_it_reads_the_history_tells_nothing_wrong() {
    check("a look back", 3, a_look_back);
}
