//! 59: a final lost while the client stays connected.

use std::time::Duration;

use shared::protocol::TurnState;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::Scenario;
use tokio::time::sleep;

use super::until;

/// Loses the final's frame, and what `lost` says; the tab must show the final within 12 s, on the
/// same connection.
async fn check_shown_in_time(lost: Option<FaultRule>) {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    scenario.drive();
    sleep(Duration::from_secs(1)).await;
    lost.into_iter()
        .chain([FaultRule::at(Function::Notifier, PortCall::Push, 1, Fault::Fail)])
        .for_each(|rule| scenario.add_fault(rule));
    tab.sending("m1");
    anna.say("m1").await.unwrap();
    until(|| scenario.faults.calls(Function::Notifier, PortCall::Deliver) == 1).await;
    assert_eq!(
        scenario.turn(&anna, 1).await.unwrap().state,
        TurnState::Delivered,
        "nobody will push it again"
    );
    assert_eq!(tab.cursor(), 0, "it was lost");
    assert!(until(|| tab.cursor() == 1).await <= Duration::from_secs(12));
    assert_eq!(scenario.faults.tally().counts().events["connections opened"], 1);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s59_a_final_lost_while_the_client_stays_connected_is_shown_within_twelve_seconds() {
    check_shown_in_time(None).await;
}

#[tokio::test(start_paused = true)]
async fn s59_a_final_is_shown_within_twelve_seconds_though_no_frame_of_its_turn_arrived() {
    check_shown_in_time(Some(FaultRule::always(Function::Worker, PortCall::Push, Fault::Fail)))
        .await;
}
