//! 61: one tab that does not read: the others and the model are not held up.

use std::time::Duration;

use shared::domain::{ConnectionId, Timestamp};
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::Scenario;
use tokio::time::sleep;

/// What the second tab showed, and when; and when the turn was final.
type Seen = (Vec<(u128, String)>, Option<Timestamp>);

/// Lets a message be answered in front of two tabs, the first of which has connection `c1`.
async fn seen(disturb: impl FnOnce(&Scenario)) -> Seen {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let first = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    let second = anna.open_tab(2);
    scenario.drive();
    sleep(Duration::from_secs(1)).await;
    disturb(&scenario);
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let lines =
        scenario.cloud.trace.lines().into_iter().filter(|line| line.text.starts_with("tab2 shows"));
    let seen = lines.map(|line| (line.millis, line.text)).collect();
    let finished = scenario.turn(&anna, 1).await.unwrap().finished_at;
    scenario.end(&[(&anna, &first), (&anna, &second)]).await.unwrap();
    (seen, finished)
}

/// Checks that the second tab sees what it sees when nothing is wrong with the first, at the same
/// moments.
async fn check_not_held_up(disturb: impl FnOnce(&Scenario)) {
    let undisturbed = seen(|_| ()).await;
    assert!(undisturbed.0.len() > 3, "provisional text, and the final");
    assert_eq!(seen(disturb).await, undisturbed);
}

#[tokio::test(start_paused = true)]
async fn s61_a_tab_that_does_not_read_holds_up_neither_the_other_tab_nor_the_model() {
    let slow = |scenario: &Scenario| {
        scenario.cloud.network.find(&ConnectionId::new("c1")).unwrap().be_slow(Duration::MAX / 4);
    };
    check_not_held_up(slow).await;
}

#[tokio::test(start_paused = true)]
async fn s61_a_push_that_never_returns_holds_up_neither_the_other_tab_nor_the_model() {
    let hanging = |scenario: &Scenario| {
        scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Push, 1, Fault::Hang));
        scenario.add_fault(FaultRule::at(Function::Notifier, PortCall::Push, 1, Fault::Hang));
    };
    check_not_held_up(hanging).await;
}
