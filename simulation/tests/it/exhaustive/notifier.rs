//! The notifier delivers a batch.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use shared::domain::Rating;
use simulation::faults::{FaultRule, Function};
use simulation::scenario::Scenario;
use tokio::time::sleep;

use super::every::{Told, ensure, fault_at_every_call, finish};

/// Longer than the queue hides a reply.
const BEYOND: Duration = Duration::from_secs(200);

async fn a_batch(rule: FaultRule) -> Told {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let ben = scenario.user(2, "lesson").await.unwrap();
    let carl = scenario.user(3, "lesson").await.unwrap();
    let tabs = [(&anna, anna.open_tab(1)), (&anna, anna.open_tab(2)), (&ben, ben.open_tab(3))];
    tokio::spawn(Arc::clone(&scenario.platform).drive_requests());
    anna.say("m1").await.unwrap();
    anna.say("m2").await.unwrap();
    ben.say("m1").await.unwrap();
    sleep(Duration::from_secs(8)).await;
    anna.account.rate("lesson", 1, Rating::Up, None).await.unwrap();
    carl.account.delete("lesson").await.unwrap();
    scenario.add_fault(rule);
    tokio::spawn(Arc::clone(&scenario.platform).drive_replies());
    let came = finish(&scenario, &tabs.each_ref().map(|(user, tab)| (*user, tab))).await?;
    let ids: BTreeSet<_> = scenario.event_ids().into_iter().collect();
    ensure("events of three turns, a rating and a deletion", ids.len(), 5)?;
    Ok(came)
}

#[test]
fn a_fault_at_any_call_of_the_notifier_loses_and_doubles_nothing() {
    fault_at_every_call("a batch", Function::Notifier, BEYOND, 20, a_batch);
}
