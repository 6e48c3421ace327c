//! Ten deliveries at once.

use std::time::Duration;

use shared::memory::ConnectionState;
use shared::ports::{Delivery, EventSource as _};
use tokio::time::Instant;

use crate::support::world::{TEXT, key, reply};
use crate::support::{Fault, PortCall, World};

/// Queues finals of two sessions, in turns, and receives them in one batch.
async fn batch(world: &World) -> Vec<Delivery> {
    for session in ["a", "b", "a", "b", "a"] {
        world.answer(session, &reply(TEXT)).await;
    }
    let deliveries = world.replies.receive(10).await.unwrap();
    assert_eq!(deliveries.len(), 5);
    deliveries
}

fn of_group<'d>(deliveries: &'d [Delivery], session: &str) -> Vec<&'d str> {
    let group = key(session);
    let of_group = deliveries.iter().filter(|delivery| delivery.group == group.as_str());
    of_group.map(|delivery| delivery.message_id.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_delivered_in_the_order_of_each_group() {
    let world = World::new();
    let deliveries = batch(&world).await;
    let a = world.connect("a", "ca").await;
    let b = world.connect("b", "cb").await;
    assert!(world.notifier.handle_batch(&deliveries).await.is_empty());
    let turns = |connection| -> Vec<u64> {
        world
            .frames(connection)
            .iter()
            .map(|frame| frame["metadata"]["turn"].as_u64().unwrap())
            .collect()
    };
    assert_eq!((turns(&a), turns(&b)), (vec![1, 2, 3], vec![1, 2]));
}

#[tokio::test(start_paused = true)]
async fn a_failed_record_fails_the_rest_of_its_group_only() {
    let world = World::new();
    let mut deliveries = batch(&world).await;
    let a: Vec<String> = of_group(&deliveries, "a").into_iter().map(str::to_owned).collect();
    let second = deliveries.iter_mut().find(|delivery| delivery.message_id == a[1]).unwrap();
    second.body = "{\"v\":9}".into();
    assert_eq!(world.notifier.handle_batch(&deliveries).await, a[1..]);
    assert_eq!(
        (world.state("a", 1).await, world.state("b", 1).await, world.state("b", 2).await),
        ("DEL", "DEL", "DEL")
    );
    assert_eq!((world.state("a", 2).await, world.state("a", 3).await), ("COM", "COM"));
}

#[tokio::test(start_paused = true)]
async fn one_sessions_slow_tab_does_not_hold_up_another_session() {
    let world = World::new();
    let deliveries = batch(&world).await;
    let slow = world.connect("a", "slow").await;
    let other = world.connect("b", "other").await;
    world.push.push.set(&slow, ConnectionState::Slow);
    let began = Instant::now();
    let handled = world.notifier.handle_batch(&deliveries);
    let both = async {
        while world.frames(&other).len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        began.elapsed()
    };
    let (failed, waited) = tokio::join!(handled, both);
    assert!(failed.is_empty() && waited < Duration::from_millis(10), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_is_away_fails_no_batch() {
    let world = World::new();
    let deliveries = batch(&world).await;
    world.faults.during(PortCall::PutEvents, 1..=1_000, Fault::Fail);
    assert!(world.notifier.handle_batch(&deliveries).await.is_empty());
    assert_eq!(world.state("a", 3).await, "COM");
}
