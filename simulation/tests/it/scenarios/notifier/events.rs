//! An event bus that takes only some entries.

use std::time::Duration;

use shared::protocol::TurnState::{Committed, Delivered};
use simulation::faults::{Function, Mishap, Op};
use simulation::stage::Stage;
use tokio::time::{Instant, sleep};

use super::line::{Line, is_final};
use super::{answered, events, states};

/// Every final is one entry, so that what the bus refuses of a batch is known by its call.
#[tokio::test(start_paused = true)]
async fn s35_only_the_entries_that_the_bus_did_not_take_are_sent_again_and_no_reply_waits() {
    let stage = Stage::new().unwrap();
    let people = [
        stage.actor(1, "lesson").await.unwrap(),
        stage.actor(2, "lesson").await.unwrap(),
        stage.actor(3, "lesson").await.unwrap(),
    ];
    let mut lines = Vec::new();
    for actor in &people {
        lines.push(Line::resumed(&stage, actor, 0).await);
        answered(&stage, actor, &["m1"]).await;
    }
    for line in &mut lines {
        line.came();
    }
    let batch = stage.replies().await;
    assert_eq!(batch.len(), 3);
    stage.faults.bring(Mishap::EventsPartial, 2..=2);
    let began = Instant::now();
    let mut waits = Vec::new();
    let told = async {
        for line in &mut lines {
            while !is_final(&line.next().await.expect("an open connection")) {}
            waits.push(began.elapsed());
        }
    };
    tokio::join!(told, stage.deliver(&batch));
    assert_eq!(waits, [Duration::ZERO; 3], "no reply waits for the bus");
    assert_eq!(events(&stage), (1, 3), "what was taken is not sent again");
    assert_eq!(stage.faults.calls(Function::Notifier, Op::PutEvents), 4);
    for actor in &people {
        assert_eq!(states(&stage, actor).await, [Delivered]);
    }
    assert!(stage.cloud.replies.is_empty());
    stage.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s35_an_entry_that_is_refused_for_too_long_is_left_to_the_cleanup_and_the_reply_is_not() {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    answered(&stage, &anna, &["m1"]).await;
    let batch = stage.replies().await;
    stage.faults.bring(Mishap::EventsPartial, 1..=1_000);
    let began = Instant::now();
    stage.deliver(&batch).await;
    assert!(
        began.elapsed() <= Duration::from_secs(2) && stage.cloud.replies.is_empty(),
        "acknowledged all the same"
    );
    assert_eq!(
        (tab.cursor(), states(&stage, &anna).await, events(&stage)),
        (1, vec![Committed], (0, 0))
    );
    stage.faults.heal();
    sleep(Duration::from_mins(6)).await;
    assert_eq!(stage.platform.clean_up().await.unwrap().delivered_turns, 1);
    assert_eq!((states(&stage, &anna).await, events(&stage)), (vec![Delivered], (1, 1)));
    stage.end(&[(&anna, &tab)]).await.unwrap();
}
