//! The ports' suites.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws::events::EventBridgeEvents;
use aws::queue::SqsQueue;
use aws::store::DynamoStore;
use shared::domain::Timestamp;
use shared::ports::store::{Item, Key, Page, Query, Store, StoreError, Write};
use shared::ports::{Clock, Durability, EventSource};
use testkit::conformance;

use crate::support::aws_environment::AwsEnvironment;
use crate::support::bus::TestBus;
use crate::support::resources::TestResources;

/// What `moto`'s table does otherwise than DynamoDB.
const NOT_OF_MOTO_S_TABLE: &[&str] = &[
    // It refuses items from 405,000 bytes on.
    "an_item_over_400_kb_is_refused",
    // It judges a condition and writes in two steps, and puts back a whole table after a refused
    // transaction.
    "concurrent_conditional_writes_have_one_winner",
    "concurrent_additions_are_all_counted",
    "concurrent_transactions_have_one_winner",
];

/// What `moto`'s queues do otherwise than SQS.
const NOT_OF_MOTO_S_QUEUES: &[&str] = &[
    // It loses the order of messages that timed out together.
    "what_was_not_settled_comes_again_in_order",
    // It takes stale handles.
    "a_stale_handle_is_refused",
    // It forgets a deduplication id with its message.
    "deduplication_survives_delete",
    "deduplication_survives_a_redrive",
    // It cannot take 500 calls at once in the time that a call has.
    "a_thousand_groups_are_drained",
    // Nothing is wrong with these, but each takes half a minute or more of real time.
    "a_message_comes_again_after_its_visibility_timeout",
    "a_longer_visibility_keeps_a_message_hidden",
    "ready_returns_when_a_visibility_timeout_ends",
];

#[tokio::test]
async fn the_store_keeps_its_promises() {
    for aws in AwsEnvironment::all() {
        let resources = TestResources::default();
        let make = async |clock: Arc<dyn Clock>| {
            let store = DynamoStore::new(&aws.sdk, resources.table(&aws).await, clock);
            let store: Arc<dyn Store> =
                if aws.real { Arc::new(Settled(store)) } else { Arc::new(store) };
            store
        };
        let except = if aws.real { &[] } else { NOT_OF_MOTO_S_TABLE };
        conformance::store_except(make, except).await;
        resources.remove(&aws).await;
    }
}

#[tokio::test]
async fn the_queue_keeps_its_promises() {
    for aws in AwsEnvironment::all() {
        let resources = TestResources::default();
        let make = async |settings| {
            let (url, dead) = resources.queues(&aws, &settings).await;
            let queue = SqsQueue::new(&aws.sdk, url).with_dead_letters(dead);
            let queue = if aws.real { queue.with_wait(Duration::from_secs(1)) } else { queue };
            let queue: Arc<dyn EventSource> = Arc::new(queue);
            queue
        };
        let except = if aws.real { &[] } else { NOT_OF_MOTO_S_QUEUES };
        conformance::queue_except(make, except).await;
        resources.remove(&aws).await;
    }
}

#[tokio::test]
async fn the_bus_keeps_its_promises() {
    let Some(aws) = AwsEnvironment::on_moto() else { return };
    let bus = TestBus::new(&aws).await;
    let events = EventBridgeEvents::new(&aws.sdk, bus.name.as_str());
    conformance::events(&events, || bus.published()).await;
}

/// How many reads of the index in a row must agree.
const SETTLED: usize = 50;

/// Lets the index catch up before it is read: the suite knows what it will say, not when.
struct Settled(DynamoStore);

#[async_trait]
impl Store for Settled {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.0.get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.0.query(query).await
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        self.0.write(write, durability).await
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        self.0.transact(writes, durability).await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        let mut seen = self.0.due(until, limit).await?;
        let mut agreed = 0;
        while agreed < SETTLED {
            let next = self.0.due(until, limit).await?;
            agreed = if next == seen { agreed + 1 } else { 0 };
            seen = next;
        }
        Ok(seen)
    }
}
