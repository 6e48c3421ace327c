//! What the adapters in memory do beyond their ports.

use std::time::Duration;

use shared::domain::{ConnectionId, Timestamp};
use shared::fifo::QueueSettings;
use shared::memory::{
    ConnectionState, ManualClock, MemoryPush, MemoryQueue, SeededIds, TokioClock,
};
use shared::ports::{
    Clock as _, Durability, EventSource as _, Ids as _, OutgoingMessage, Push as _, PushError,
    Queue as _,
};

fn message(id: &str) -> OutgoingMessage {
    let [group, deduplication_id, body] = ["g", id, id].map(str::to_owned);
    OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced }
}

#[tokio::test(start_paused = true)]
async fn a_deduplication_id_is_forgotten_after_five_minutes() {
    let queue = MemoryQueue::new(QueueSettings::new(Duration::from_secs(30), 3));
    queue.send(message("1")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(299)).await;
    queue.send(message("1")).await.unwrap();
    assert_eq!(queue.len(), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    queue.send(message("1")).await.unwrap();
    assert_eq!(queue.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_handle_is_stale_once_its_visibility_timeout_has_ended() {
    let queue = MemoryQueue::new(QueueSettings::new(Duration::from_secs(30), 3));
    queue.send(message("1")).await.unwrap();
    let delivery = queue.receive(1).await.unwrap().remove(0);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(queue.delete(&delivery.receipt).await.is_err());
    assert_eq!(queue.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_stays_hidden_for_twelve_hours_at_most() {
    let queue = MemoryQueue::new(QueueSettings::new(Duration::from_secs(30), 3));
    queue.send(message("1")).await.unwrap();
    let delivery = queue.receive(1).await.unwrap().remove(0);
    queue.change_visibility(&delivery.receipt, Duration::from_hours(100)).await.unwrap();
    tokio::time::sleep(Duration::from_hours(12)).await;
    assert_eq!(queue.receive(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_connection_is_gone_or_slow_as_it_was_set() {
    let push = MemoryPush::new();
    let connection = ConnectionId::new("c1");
    push.push(&connection, "1").await.unwrap();
    push.set(&connection, ConnectionState::Slow);
    assert!(matches!(push.push(&connection, "2").await, Err(PushError::Slow)));
    push.set(&connection, ConnectionState::Gone);
    assert!(matches!(push.push(&connection, "3").await, Err(PushError::Gone)));
    push.set(&connection, ConnectionState::Open);
    push.push(&connection, "4").await.unwrap();
    assert_eq!(push.take_frames(&connection), ["1", "4"]);
    assert_eq!(push.frames(&connection), [""; 0]);
}

#[test]
fn a_seed_repeats_its_randomness() {
    let draw = |seed| {
        let ids = SeededIds::new(seed);
        [ids.id(), ids.id(), ids.id()]
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    let [a, b, c] = draw(3);
    assert!(a != b && b != c && c != a);
}

#[tokio::test(start_paused = true)]
async fn clocks_move_as_they_are_told() {
    let manual = ManualClock::new(Timestamp(1_000));
    manual.advance(Duration::from_secs(2));
    assert_eq!(manual.now(), Timestamp(3_000));
    let paused = TokioClock::starting_at(Timestamp(1_000));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(paused.now(), Timestamp(3_000));
}
