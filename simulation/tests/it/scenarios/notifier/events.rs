//! An event bus that takes only some entries.

use std::time::Duration;

use shared::protocol::TurnState::{Committed, Delivered};
use simulation::faults::{ExternalFault, Function, PortCall};
use simulation::scenario::Scenario;
use tokio::time::{Instant, sleep};

use super::line::{Line, is_final};
use super::{answered, events, states};

/// Every final is one entry, so that what the bus refuses of a batch is known by its call.
#[tokio::test(start_paused = true)]
async fn s35_only_the_entries_that_the_bus_did_not_take_are_sent_again_and_no_reply_waits() {
    let scenario = Scenario::new().unwrap();
    let users = [
        scenario.user(1, "lesson").await.unwrap(),
        scenario.user(2, "lesson").await.unwrap(),
        scenario.user(3, "lesson").await.unwrap(),
    ];
    let mut lines = Vec::new();
    for user in &users {
        lines.push(Line::resumed(&scenario, user, 0).await);
        answered(&scenario, user, &["m1"]).await;
    }
    for line in &mut lines {
        line.came();
    }
    let batch = scenario.replies().await;
    assert_eq!(batch.len(), 3);
    scenario.faults.schedule_fault(ExternalFault::EventsPartial, 2..=2);
    let began = Instant::now();
    let mut waits = Vec::new();
    let told = async {
        for line in &mut lines {
            while !is_final(&line.next().await.expect("an open connection")) {}
            waits.push(began.elapsed());
        }
    };
    tokio::join!(told, scenario.deliver(&batch));
    assert_eq!(waits, [Duration::ZERO; 3], "no reply waits for the bus");
    assert_eq!(events(&scenario), (1, 3), "what was taken is not sent again");
    assert_eq!(scenario.faults.calls(Function::Notifier, PortCall::PutEvents), 4);
    for user in &users {
        assert_eq!(states(&scenario, user).await, [Delivered]);
    }
    assert!(scenario.cloud.replies.is_empty());
    scenario.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s35_an_entry_that_is_refused_for_too_long_is_left_to_the_cleanup_and_the_reply_is_not() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    answered(&scenario, &anna, &["m1"]).await;
    let batch = scenario.replies().await;
    scenario.faults.schedule_fault(ExternalFault::EventsPartial, 1..=1_000);
    let began = Instant::now();
    scenario.deliver(&batch).await;
    assert!(
        began.elapsed() <= Duration::from_secs(2) && scenario.cloud.replies.is_empty(),
        "acknowledged all the same"
    );
    assert_eq!(
        (tab.cursor(), states(&scenario, &anna).await, events(&scenario)),
        (1, vec![Committed], (0, 0))
    );
    scenario.faults.heal();
    sleep(Duration::from_mins(6)).await;
    assert_eq!(scenario.platform.clean_up().await.unwrap().delivered_turns, 1);
    assert_eq!((states(&scenario, &anna).await, events(&scenario)), (vec![Delivered], (1, 1)));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}
