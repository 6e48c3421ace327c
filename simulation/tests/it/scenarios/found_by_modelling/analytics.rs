//! 62: analytics away for an hour.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::protocol::TurnState;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::Scenario;
use tokio::time::sleep;

use super::until;

const TURNS: u64 = 12;

#[tokio::test(start_paused = true)]
async fn s62_while_analytics_are_away_for_an_hour_replies_are_on_time_and_events_come_later() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    scenario.drive();
    scenario.add_fault(FaultRule::always(Function::Notifier, PortCall::PutEvents, Fault::Fail));
    for number in 1..=TURNS {
        anna.say(&format!("m{number}")).await.unwrap();
        assert!(
            until(|| tab.cursor() == number).await < Duration::from_secs(3),
            "turn {number} is late"
        );
        sleep(Duration::from_mins(5)).await;
    }
    assert_eq!(scenario.event_ids(), [""; 0]);
    assert_eq!(scenario.session(&anna).await.unwrap().total_turns, 0);
    assert!(scenario.cloud.replies.is_empty(), "nothing waits in the queue for it");
    scenario.faults.heal();
    sleep(Duration::from_mins(11)).await;
    for number in 1..=TURNS {
        assert_eq!(
            scenario.turn(&anna, number).await.unwrap().state,
            TurnState::Delivered,
            "turn {number}"
        );
    }
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let ids = scenario.event_ids();
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (12, 12));
    assert_eq!(scenario.session(&anna).await.unwrap().total_turns, TURNS);
}
