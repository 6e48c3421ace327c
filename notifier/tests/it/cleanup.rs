//! What nobody else finishes.

use std::time::Duration;

use notifier::cleanup::CleanupReport;
use shared::domain::{ErrorCode, TurnKind};
use shared::ports::{Clock as _, Durability, EventSource as _, Store as _};
use shared::protocol::stop;
use tokio::time::Instant;

use crate::support::world::{START, TEXT, key, reply};
use crate::support::{Fault, PortCall, World, pass};

const MINUTE: Duration = Duration::from_mins(1);
const NOTHING: CleanupReport = CleanupReport {
    ended_turns: 0,
    delivered_turns: 0,
    expired_sessions: 0,
    finished_deletions: 0,
    failures: 0,
};

/// Commits a turn while the bus is away.
async fn undelivered(world: &World) {
    world.answer("a", &reply(TEXT)).await;
    world.faults.during(PortCall::PutEvents, 1..=100, Fault::Fail);
    world.drain().await;
    world.faults.heal();
    assert_eq!(world.state("a", 1).await, "COM");
}

#[tokio::test(start_paused = true)]
async fn a_final_is_emitted_after_five_minutes_under_the_same_id() {
    let world = World::new();
    undelivered(&world).await;
    let tab = world.connect("a", "c1").await;
    pass(4 * MINUTE).await;
    assert_eq!(world.clean_up().await, NOTHING);
    pass(MINUTE).await;
    assert_eq!(world.clean_up().await, CleanupReport { delivered_turns: 1, ..NOTHING });
    assert_eq!(world.event_ids(), [format!("{}.1.m1.{}", key("a"), START.0)]);
    assert_eq!((world.state("a", 1).await, world.meta("a").await.unwrap().total_turns), ("DEL", 1));
    assert!(world.frames(&tab).is_empty(), "browsers have long fetched it");
    pass(MINUTE).await;
    world.enqueue("a", 1).await;
    world.drain().await;
    assert_eq!(world.clean_up().await, NOTHING);
    assert_eq!(
        (world.published().len(), world.meta("a").await.unwrap().total_turns),
        (1, 1),
        "never twice"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_pointer_is_made_good() {
    let world = World::new();
    let turn = world.run("a").await;
    world.commit("a", &turn, &reply(TEXT)).await;
    pass(6 * MINUTE).await;
    assert_eq!(world.clean_up().await, CleanupReport { delivered_turns: 1, ..NOTHING });
    assert_eq!(world.state("a", 1).await, "DEL");
}

#[tokio::test(start_paused = true)]
async fn two_cleanups_at_once_count_nothing_twice() {
    let world = World::new();
    undelivered(&world).await;
    pass(6 * MINUTE).await;
    // Both have read it as committed before either marks it.
    world.faults.during(PortCall::PutEvents, 1..=2, Fault::Stall(Duration::from_secs(1)));
    tokio::join!(world.clean_up(), world.clean_up());
    assert_eq!(world.published().len(), 2);
    assert_eq!((world.event_ids().len(), world.meta("a").await.unwrap().total_turns), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_not_final_a_quarter_of_an_hour_after_its_claim_is_ended() {
    let world = World::new();
    let turn = world.run("a").await;
    pass(10 * MINUTE).await;
    world.checkpoint("a", &turn, "So far").await;
    pass(4 * MINUTE).await;
    assert_eq!(world.clean_up().await, NOTHING, "a worker may still be at it");
    assert_eq!(world.state("a", 1).await, "RUN");
    pass(MINUTE).await;
    let tab = world.connect("a", "c1").await;
    assert_eq!(world.clean_up().await, CleanupReport { ended_turns: 1, ..NOTHING });
    let turn = world.turn("a", 1).await.unwrap();
    assert_eq!(
        (turn.kind, turn.error.unwrap().code),
        (Some(TurnKind::Error), ErrorCode::Abandoned)
    );
    world.drain().await;
    assert_eq!(
        (&world.frames(&tab)[0]["type"], world.state("a", 1).await),
        (&"RUN_ERROR".into(), "DEL")
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_generation_has_its_own_quarter_of_an_hour() {
    let world = World::new();
    let turn = world.run("a").await;
    pass(10 * MINUTE).await;
    let next = shared::protocol::generation::next_generation(&key("a"), &turn, world.clock.now());
    world.table.write(next, Durability::Ordered).await.unwrap();
    pass(14 * MINUTE).await;
    assert_eq!(world.clean_up().await, NOTHING);
    pass(MINUTE).await;
    assert_eq!(world.clean_up().await, CleanupReport { ended_turns: 1, ..NOTHING });
}

#[tokio::test(start_paused = true)]
async fn a_final_that_was_committed_late_is_left_to_its_notifier_for_five_minutes() {
    let world = World::new();
    let turn = world.run("a").await;
    pass(14 * MINUTE).await;
    world.commit("a", &turn, &reply(TEXT)).await;
    pass(4 * MINUTE).await;
    assert_eq!(world.clean_up().await, NOTHING, "it is looked at, and not late");
    pass(MINUTE).await;
    assert_eq!(world.clean_up().await, CleanupReport { delivered_turns: 1, ..NOTHING });
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_turn_that_was_stopped_keeps_its_saved_text() {
    let world = World::new();
    let turn = world.run("a").await;
    world.checkpoint("a", &turn, "So far").await;
    stop::stop(world.table.as_ref(), &key("a"), &turn.message_id).await.unwrap();
    pass(15 * MINUTE).await;
    world.clean_up().await;
    let turn = world.turn("a", 1).await.unwrap();
    assert_eq!((turn.kind, turn.text.as_deref()), (Some(TurnKind::Cancelled), Some("So far")));
}

#[tokio::test(start_paused = true)]
async fn a_turn_whose_final_could_not_be_enqueued_is_delivered_all_the_same() {
    let world = World::new();
    world.run("a").await;
    pass(15 * MINUTE).await;
    world.faults.during(PortCall::Send, 1..=1, Fault::Fail);
    assert_eq!(world.clean_up().await, CleanupReport { ended_turns: 1, failures: 1, ..NOTHING });
    assert!(world.replies.is_empty());
    pass(5 * MINUTE).await;
    assert_eq!(world.clean_up().await, CleanupReport { delivered_turns: 1, ..NOTHING });
    assert_eq!(world.state("a", 1).await, "DEL");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_goes_on_while_it_is_looked_at_is_not_ended() {
    let world = World::new();
    let turn = world.run("a").await;
    pass(15 * MINUTE).await;
    let next = shared::protocol::generation::next_generation(
        &key("a"),
        &turn,
        shared::domain::Timestamp(0),
    );
    // The index still shows it as due; the row has another epoch than the one that the cleanup
    // read.
    let stale = shared::protocol::commit::abandoned(
        &key("a"),
        &turn,
        &shared::protocol::TurnOutcome::abandoned(&turn),
        shared::domain::Timestamp(0),
    );
    world.table.write(next, Durability::Ordered).await.unwrap();
    assert!(world.table.write(stale, Durability::Ordered).await.is_err());
    assert_eq!(world.state("a", 1).await, "RUN");
}

#[tokio::test(start_paused = true)]
async fn an_expired_session_is_removed_with_its_event() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    world.connect("a", "c1").await;
    world.drain().await;
    pass(Duration::from_hours(23)).await;
    assert_eq!(world.clean_up().await, NOTHING);
    pass(Duration::from_hours(2)).await;
    assert!(
        world.meta("a").await.is_none() && !world.table.dump().is_empty(),
        "absent, though it is stored"
    );
    assert_eq!(world.clean_up().await, CleanupReport { expired_sessions: 1, ..NOTHING });
    assert!(world.table.dump().is_empty());
    let event = world.published().pop().unwrap();
    assert_eq!((event.detail_type, &event.detail["session_id"]), ("Session Expired", &"a".into()));
    assert_eq!(world.clean_up().await, NOTHING);
}

#[tokio::test(start_paused = true)]
async fn an_expired_session_waits_until_the_bus_takes_its_event() {
    let world = World::new();
    world.run("a").await;
    pass(Duration::from_hours(25)).await;
    world.faults.during(PortCall::PutEvents, 1..=100, Fault::Fail);
    assert_eq!(world.clean_up().await, CleanupReport { failures: 1, ..NOTHING });
    world.faults.heal();
    assert_eq!(world.clean_up().await, CleanupReport { expired_sessions: 1, ..NOTHING });
    assert!(world.table.dump().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_final_whose_event_waited_for_the_bus_until_its_session_ended_is_emitted_all_the_same() {
    let world = World::new();
    undelivered(&world).await;
    pass(Duration::from_hours(25)).await;
    // The first event of the run is the session's, the second one the turn's.
    world.faults.during(PortCall::PutEvents, 2..=100, Fault::Fail);
    assert_eq!(world.clean_up().await.failures, 1);
    world.faults.heal();
    assert_eq!(world.clean_up().await, CleanupReport { expired_sessions: 1, ..NOTHING });
    assert!(world.table.dump().is_empty());
    assert!(
        world.event_ids().contains(&format!("{}.1.m1.{}", key("a"), START.0)),
        "{:?}",
        world.event_ids()
    );
    assert_eq!(world.event_ids().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_died_is_finished() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let tab = world.connect("a", "c1").await;
    world.bury("a").await;
    assert_eq!(world.clean_up().await, CleanupReport { finished_deletions: 1, ..NOTHING });
    assert_eq!(
        (world.table.dump().len(), world.push.closed.lock().unwrap().clone()),
        (1, vec![tab])
    );
    assert_eq!(world.clean_up().await, NOTHING);
    pass(Duration::from_hours(25)).await;
    assert!(world.meta("a").await.is_none(), "its id may be used again");
}

#[tokio::test(start_paused = true)]
async fn a_cleanup_that_dies_anywhere_is_finished_by_the_next() {
    for nth in 1.. {
        let world = World::new();
        for session in ["abandoned", "expired", "buried"] {
            world.answer(session, &reply(TEXT)).await;
        }
        world.drain().await;
        pass(Duration::from_hours(24)).await;
        world.run("abandoned").await;
        world.run("buried").await;
        world.bury("buried").await;
        pass(15 * MINUTE).await;
        world.faults.anywhere(nth, Fault::CrashAfter);
        drop(world.faults.run(world.notifier.clean_up()).await);
        let over = world.faults.heal();
        world.clean_up().await;
        world.drain().await;
        pass(6 * MINUTE).await;
        world.clean_up().await;
        assert_eq!(world.state("abandoned", 1).await, "DEL", "killed after call {nth}");
        let rows = world
            .table
            .dump()
            .into_iter()
            .filter(|item| item.key.partition != key("abandoned").as_str());
        assert_eq!(rows.count(), 1, "killed after call {nth}: only a tombstone is left");
        if over {
            assert!(nth > 15, "the cleanup has more calls than {nth}");
            return;
        }
    }
}

/// Many finals that the bus does not take, and behind them in the index a turn whose worker is
/// dead.
#[tokio::test(start_paused = true)]
async fn a_bus_that_is_away_does_not_keep_the_cleanup_from_abandoned_turns() {
    let world = World::new();
    for _ in 0..150 {
        let turn = world.run("many").await;
        world.commit("many", &turn, &reply(TEXT)).await;
    }
    pass(MINUTE).await;
    world.run("a").await;
    pass(15 * MINUTE).await;
    world.faults.during(PortCall::PutEvents, 1..=100_000, Fault::Fail);
    let began = Instant::now();
    let report = world.clean_up().await;
    assert_eq!((report.ended_turns, report.delivered_turns), (1, 0), "{report:?}");
    assert_eq!(world.turn("a", 1).await.unwrap().kind, Some(TurnKind::Error));
    assert!(began.elapsed() < MINUTE, "{:?}", began.elapsed());
    world.faults.heal();
    assert_eq!(world.clean_up().await.delivered_turns, 150);
    assert_eq!(
        (world.event_ids().len(), world.meta("many").await.unwrap().total_turns),
        (150, 150)
    );
    assert_eq!(
        world.replies.receive(10).await.unwrap().len(),
        1,
        "the final of the abandoned turn"
    );
}

/// Each delivery takes two seconds, and a run has twenty.
#[tokio::test(start_paused = true)]
async fn a_cleanup_that_runs_out_of_time_stops_and_the_next_one_goes_on() {
    let world = World::new();
    for _ in 0..15 {
        let turn = world.run("many").await;
        world.commit("many", &turn, &reply(TEXT)).await;
        pass(Duration::from_secs(1)).await;
    }
    pass(15 * MINUTE).await;
    world.faults.during(PortCall::PutEvents, 1..=100, Fault::Stall(Duration::from_secs(2)));
    let limit = Duration::from_secs(20);
    let first = world.notifier.clean_up_within(limit).await.unwrap();
    assert_eq!(first, CleanupReport { delivered_turns: 10, ..NOTHING });
    assert_eq!(world.state("many", 10).await, "DEL", "the oldest are first");
    assert_eq!(world.state("many", 11).await, "COM");
    let second = world.notifier.clean_up_within(limit).await.unwrap();
    assert_eq!(second, CleanupReport { delivered_turns: 5, ..NOTHING });
    assert_eq!(world.event_ids().len(), 15);
}

/// Rows of dead sessions that are due before anything else.
#[tokio::test(start_paused = true)]
async fn rows_that_nothing_can_be_done_for_do_not_hide_the_rest() {
    let world = World::new();
    for number in 0..120 {
        world.run(&format!("s{number}")).await;
    }
    pass(Duration::from_hours(25)).await;
    world.run("a").await;
    pass(15 * MINUTE).await;
    let report = world.clean_up().await;
    assert_eq!((report.ended_turns, report.expired_sessions), (1, 120), "{report:?}");
}
