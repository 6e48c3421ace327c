//! The cleanup finishes all that nobody else finishes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ErrorCode, ProviderName};
use shared::protocol::TurnState;
use simulation::cloud::Limits;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::sleep;

use super::every::{Told, ensure, fault_at_every_call, finish};

/// Longer than the cleanup may run, and than the time to its next run.
const BEYOND: Duration = Duration::from_secs(400);

/// Lets one message be answered, or not, under a fault.
async fn say_under(scenario: &Scenario, user: &ScenarioUser, rule: FaultRule) {
    scenario.add_fault(rule);
    user.say("m1").await.unwrap();
    sleep(Duration::from_secs(20)).await;
    scenario.faults.heal();
}

/// A session past its end, an abandoned turn, a final that was not delivered, and a deletion that
/// died.
async fn left_behind() -> (Scenario, [ScenarioUser; 4]) {
    let limits = Limits { requests_receives: 1, ..Limits::default() };
    let setup =
        ScenarioSetup { limits, ..ScenarioSetup::default() }.with("CHATBOT_SESSION_TTL_HOURS", "2");
    let scenario = setup.build().unwrap();
    tokio::spawn(Arc::clone(&scenario.platform).drive_requests());
    tokio::spawn(Arc::clone(&scenario.platform).drive_replies());
    let expired = scenario.user(1, "expired").await.unwrap();
    expired.say("m1").await.unwrap();
    sleep(Duration::from_mins(100)).await;
    let abandoned = scenario.user(2, "abandoned").await.unwrap();
    say_under(
        &scenario,
        &abandoned,
        FaultRule::at(Function::Worker, PortCall::Commit, 1, Fault::CrashBefore),
    )
    .await;
    let undelivered = scenario.user(3, "undelivered").await.unwrap();
    say_under(
        &scenario,
        &undelivered,
        FaultRule::always(Function::Notifier, PortCall::PutEvents, Fault::Fail),
    )
    .await;
    let deleted = scenario.user(4, "deleted").await.unwrap();
    deleted.say("m1").await.unwrap();
    sleep(Duration::from_secs(20)).await;
    scenario.add_fault(FaultRule::at(Function::Ingress, PortCall::Remove, 1, Fault::CrashBefore));
    deleted.account.delete("deleted").await.unwrap_err();
    sleep(Duration::from_mins(21)).await;
    scenario.faults.heal();
    (scenario, [expired, abandoned, undelivered, deleted])
}

async fn a_run(rule: FaultRule) -> Told {
    let (scenario, actors) = left_behind().await;
    let [expired, abandoned, undelivered, deleted] = &actors;
    scenario.add_fault(rule);
    for _ in 0..3 {
        let platform = Arc::clone(&scenario.platform);
        tokio::spawn(async move { platform.clean_up().await });
        sleep(Duration::from_mins(5)).await;
    }
    let came = finish(&scenario, &[]).await?;
    let turn = scenario
        .turn(abandoned, 1)
        .await
        .map(|turn| (turn.state, turn.error.map(|error| error.code)));
    ensure("the abandoned turn", turn, Some((TurnState::Delivered, Some(ErrorCode::Abandoned))))?;
    let turn = scenario.turn(undelivered, 1).await.map(|turn| (turn.state, turn.provider));
    ensure("the undelivered turn", turn, Some((TurnState::Delivered, Some(ProviderName::Claude))))?;
    ensure("rows of the expired session", scenario.rows(expired).await.len(), 0)?;
    ensure("rows of the deleted session", scenario.rows(deleted).await.len(), 1)?;
    let ended: BTreeSet<_> =
        scenario.event_ids().into_iter().filter(|id| id.ends_with(".expired")).collect();
    ensure("events of expired sessions", ended.len(), 1)?;
    Ok(came)
}

#[test]
fn a_fault_at_any_call_of_the_cleanup_leaves_nothing_unfinished() {
    fault_at_every_call("a run of the cleanup", Function::Notifier, BEYOND, 20, a_run);
}
