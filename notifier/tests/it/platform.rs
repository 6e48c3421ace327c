//! What the platform does to a notifier: throttles, conflicts, clocks that differ.

use std::collections::BTreeSet;
use std::time::Duration;

use notifier::NotifierError;
use shared::ports::{Durability, Store as _};
use shared::protocol::generation::{self, Checkpoint};
use tokio::time::Instant;

use crate::support::world::{Ended, TEXT, key, reply};
use crate::support::{CallFilter, Fault, World};

/// The first read of a delivery is that of the turn, the second one that of the connections.
const LISTING: usize = 2;

#[tokio::test(start_paused = true)]
async fn connections_that_cannot_be_listed_for_a_moment_get_the_final_all_the_same() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let tab = world.connect("a", "c1").await;
    world.faults.during(CallFilter::Reads, LISTING..=LISTING + 3, Fault::Fail);
    let began = Instant::now();
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(
        (world.frames(&tab).len(), world.published().len(), world.state("a", 1).await),
        (1, 1, "DEL")
    );
}

#[tokio::test(start_paused = true)]
async fn connections_that_cannot_be_listed_fail_neither_the_record_nor_its_event() {
    for fault in [Fault::Fail, Fault::Hang] {
        let world = World::new();
        world.answer("a", &reply(TEXT)).await;
        let tab = world.connect("a", "c1").await;
        world.faults.during(CallFilter::Reads, LISTING..=100, fault.clone());
        let began = Instant::now();
        assert!(matches!(world.deliver().await, Ended::Acked), "{fault:?}");
        assert!(
            began.elapsed() <= Duration::from_millis(1_001),
            "{fault:?}: {:?}",
            began.elapsed()
        );
        world.faults.heal();
        assert_eq!((world.frames(&tab).len(), world.published().len()), (0, 1), "{fault:?}");
        assert_eq!(world.state("a", 1).await, "DEL", "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_at_the_mark_costs_no_second_push_and_counts_once() {
    for fault in [Fault::Fail, Fault::LoseAck] {
        let world = World::new();
        world.answer("a", &reply(TEXT)).await;
        let tab = world.connect("a", "c1").await;
        world.faults.during(CallFilter::Writes, 1..=3, fault.clone());
        assert!(matches!(world.deliver().await, Ended::Acked), "{fault:?}");
        assert_eq!((world.frames(&tab).len(), world.published().len()), (1, 1), "{fault:?}");
        assert_eq!(
            (world.meta("a").await.unwrap().total_turns, world.state("a", 1).await),
            (1, "DEL"),
            "{fault:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_the_store_goes_on_refusing_fails_the_record_soon() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    world.faults.during(CallFilter::Writes, 1..=100, Fault::Fail);
    let began = Instant::now();
    assert!(matches!(world.deliver().await, Ended::Failed(NotifierError::Store(_))));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    world.faults.heal();
    world.drain().await;
    assert_eq!((world.meta("a").await.unwrap().total_turns, world.event_ids().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn sessions_that_were_throttled_together_do_not_come_back_together() {
    let mut pauses = BTreeSet::new();
    for session in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let world = World::new();
        world.answer(session, &reply(TEXT)).await;
        world.faults.during(CallFilter::Writes, 1..=1, Fault::Fail);
        let began = Instant::now();
        assert!(matches!(world.deliver().await, Ended::Acked));
        pauses.insert(began.elapsed());
    }
    let range = Duration::from_millis(25)..=Duration::from_millis(51);
    assert!(pauses.iter().all(|pause| range.contains(pause)), "{pauses:?}");
    assert!(pauses.len() > 4, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_whose_clock_is_ten_minutes_ahead_leaves_a_turn_that_is_being_answered() {
    let world = World::new();
    let turn = world.run("a").await;
    let saved = Checkpoint { partial: "Period 3", ..Checkpoint::default() };
    let checkpoint = generation::checkpoint(&key("a"), turn.turn, turn.epoch, saved);
    world.table.write(checkpoint, Durability::Ordered).await.unwrap();
    tokio::time::advance(Duration::from_mins(12)).await;
    assert_eq!(world.notifier.clean_up().await.unwrap().ended_turns, 0);
    world.commit("a", &turn, &reply(TEXT)).await;
    assert_eq!(world.state("a", 1).await, "COM", "the worker's epoch still holds");
}
