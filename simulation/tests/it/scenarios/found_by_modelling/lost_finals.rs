//! 59: a final lost while the client stays connected.

use std::time::Duration;

use shared::protocol::TurnState;
use simulation::faults::{Fault, Function, Op, Rule};
use simulation::stage::Stage;
use tokio::time::sleep;

use super::until;

/// Loses the final's frame, and what `lost` says; the tab must show the final within 12 s, on the
/// same connection.
async fn check_shown_in_time(lost: Option<Rule>) {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    stage.drive();
    sleep(Duration::from_secs(1)).await;
    lost.into_iter()
        .chain([Rule::at(Function::Notifier, Op::Push, 1, Fault::Fail)])
        .for_each(|rule| stage.lay(rule));
    tab.sending("m1");
    anna.say("m1").await.unwrap();
    until(|| stage.faults.calls(Function::Notifier, Op::Deliver) == 1).await;
    assert_eq!(
        stage.turn(&anna, 1).await.unwrap().state,
        TurnState::Delivered,
        "nobody will push it again"
    );
    assert_eq!(tab.cursor(), 0, "it was lost");
    assert!(until(|| tab.cursor() == 1).await <= Duration::from_secs(12));
    assert_eq!(stage.faults.tally().counts().events["connections opened"], 1);
    stage.end(&[(&anna, &tab)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s59_a_final_lost_while_the_client_stays_connected_is_shown_within_twelve_seconds() {
    check_shown_in_time(None).await;
}

#[tokio::test(start_paused = true)]
async fn s59_a_final_is_shown_within_twelve_seconds_though_no_frame_of_its_turn_arrived() {
    check_shown_in_time(Some(Rule::always(Function::Worker, Op::Push, Fault::Fail))).await;
}
