//! The pump and handlers that panic.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::pump::{BatchHandler, QueuePump};
use shared::fifo::QueueSettings;
use shared::memory::MemoryQueue;
use shared::ports::{Delivery, Durability, EventSource as _, OutgoingMessage, Queue as _};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// What was handled to its end, and when; a message that begins with `!` panics until the test
/// heals it.
#[derive(Default)]
struct Log {
    done: Mutex<Vec<(Duration, String)>>,
    healed: Mutex<bool>,
    /// The bodies that are reported as failed.
    failing: Mutex<Vec<String>>,
}

struct World {
    queue: Arc<MemoryQueue>,
    log: Arc<Log>,
    stop: CancellationToken,
    pump: JoinHandle<()>,
}

/// Handles a batch one after the other, as the notifier does within a group.
fn handler(log: Arc<Log>) -> BatchHandler {
    let began = Instant::now();
    Arc::new(move |batch: Arc<[Delivery]>| {
        let log = log.clone();
        Box::pin(async move {
            let mut failed = Vec::new();
            for delivery in batch.iter() {
                assert!(*log.healed.lock().unwrap() || !delivery.body.starts_with('!'), "scripted");
                if log.failing.lock().unwrap().contains(&delivery.body) {
                    failed.push(delivery.message_id.clone());
                } else {
                    log.done.lock().unwrap().push((began.elapsed(), delivery.body.clone()));
                }
            }
            failed
        })
    })
}

fn outgoing(message: &str) -> OutgoingMessage {
    let (group, body) = message.split_once('/').unwrap();
    let group = group.to_owned();
    let body = body.to_owned();
    let deduplication_id = message.to_owned();
    OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced }
}

impl World {
    /// Queues messages as `group/body`, then lets the pump run.
    async fn new(messages: &[&str]) -> Self {
        let queue = Arc::new(MemoryQueue::new(QueueSettings::new(Duration::from_mins(1), 5)));
        for message in messages {
            queue.send(outgoing(message)).await.unwrap();
        }
        let log = Arc::<Log>::default();
        let stop = CancellationToken::new();
        let pump = QueuePump {
            source: queue.clone(),
            handler: handler(log.clone()),
            batch: 10,
            concurrency: 4,
        };
        let pump = tokio::spawn(pump.run(stop.clone(), Duration::from_secs(1)));
        Self { queue, log, stop, pump }
    }

    async fn send(&self, message: &str) {
        self.queue.send(outgoing(message)).await.unwrap();
    }

    /// Returns what was handled since, in order, without what the batch that panicked had done
    /// before.
    fn done(&self) -> Vec<String> {
        let mut bodies: Vec<String> = Vec::new();
        for (_, body) in self.log.done.lock().unwrap().iter() {
            bodies.retain(|earlier| earlier != body);
            bodies.push(body.clone());
        }
        bodies
    }

    async fn end(self) {
        self.stop.cancel();
        self.pump.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_only_its_own_record_and_the_later_ones_of_its_group() {
    let world = World::new(&["a/a1", "b/b1", "a/!a2", "b/b2", "a/a3", "c/c1"]).await;
    sleep(Duration::from_millis(100)).await;
    let mut done = world.done();
    done.sort();
    assert_eq!(done, ["a1", "b1", "b2", "c1"], "the others do not wait");
    assert!(!world.queue.is_empty());

    *world.log.healed.lock().unwrap() = true;
    sleep(Duration::from_millis(4_800)).await;
    assert_eq!(world.done().len(), 4, "a panic is not tried again at once");
    sleep(Duration::from_millis(200)).await;
    assert_eq!(world.done()[4..], ["!a2", "a3"], "in order");
    assert!(world.queue.is_empty());
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_panics_every_time_becomes_a_dead_letter_and_its_group_goes_on() {
    let world = World::new(&["a/!a1", "b/b1"]).await;
    sleep(Duration::from_secs(12)).await;
    world.send("a/a2").await;
    sleep(Duration::from_secs(48)).await;
    let dead = world.queue.dead_letters(10).await.unwrap();
    assert_eq!(dead.iter().map(|letter| letter.body.as_str()).collect::<Vec<_>>(), ["!a1"]);
    assert!(world.queue.is_empty());
    let mut done = world.done();
    done.sort();
    assert_eq!(done, ["a2", "b1"]);
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_fails_after_a_panic_holds_back_the_rest_of_its_group() {
    let world = World::new(&["a/a1", "a/a2", "b/!b1"]).await;
    world.log.failing.lock().unwrap().push("a1".to_owned());
    sleep(Duration::from_secs(30)).await;
    world.log.failing.lock().unwrap().clear();
    world.log.done.lock().unwrap().clear();
    sleep(Duration::from_secs(40)).await;
    assert_eq!(world.done(), ["a1", "a2"], "left to the visibility timeout");
    world.end().await;
}
