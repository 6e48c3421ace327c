//! 62: analytics away for an hour.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::protocol::TurnState;
use simulation::faults::{Fault, Function, Op, Rule};
use simulation::stage::Stage;
use tokio::time::sleep;

use super::until;

const TURNS: u64 = 12;

#[tokio::test(start_paused = true)]
async fn s62_while_analytics_are_away_for_an_hour_replies_are_on_time_and_each_event_comes_once_they_are_back()
 {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    stage.drive();
    stage.lay(Rule::always(Function::Notifier, Op::PutEvents, Fault::Fail));
    for number in 1..=TURNS {
        anna.say(&format!("m{number}")).await.unwrap();
        assert!(
            until(|| tab.cursor() == number).await < Duration::from_secs(3),
            "turn {number} is late"
        );
        sleep(Duration::from_mins(5)).await;
    }
    assert_eq!(stage.event_ids(), [""; 0]);
    assert_eq!(stage.session(&anna).await.unwrap().total_turns, 0);
    assert!(stage.cloud.replies.is_empty(), "nothing waits in the queue for it");
    stage.faults.heal();
    sleep(Duration::from_mins(11)).await;
    for number in 1..=TURNS {
        assert_eq!(
            stage.turn(&anna, number).await.unwrap().state,
            TurnState::Delivered,
            "turn {number}"
        );
    }
    stage.end(&[(&anna, &tab)]).await.unwrap();
    let ids = stage.event_ids();
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (12, 12));
    assert_eq!(stage.session(&anna).await.unwrap().total_turns, TURNS);
}
