//! What makes somebody wait although everything is right in the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::ConnectionId;
use shared::ports::store::{Item, Page, Query, Write};
use shared::ports::{
    Durability, EventEntry, Events, EventsError, OutgoingMessage, Push, PushError, Queue,
    QueueError, Store, StoreError,
};
use shared::queue_messages::ReplyMessage;
use tokio::time::{Instant, sleep};

use super::mutation::StoreMutation;
use super::queues::QueueMutation;
use crate::faults::{PortCall, lock};
use crate::ports::ProcessPorts;

/// How late a connection's row is written.
const REGISTRATION_DELAY: Duration = Duration::from_secs(2);
/// How long an event waits at least.
const EVENT_DELAY: Duration = Duration::from_mins(1);
/// How late a pointer reaches the queue.
const POINTER_DELAY: Duration = Duration::from_secs(4);

/// Whether the last write of a worker's process was refused because its turn went on without it.
pub(crate) type Refused = Arc<AtomicBool>;

/// When the notifiers tried to publish an event for the first time.
pub(crate) type AttemptedEvents = Arc<Mutex<BTreeMap<String, Instant>>>;

/// 15, the table's half: notes that a checkpoint or a generation was refused.
pub(super) struct NotesRefusals(pub(super) Refused);

#[async_trait]
impl StoreMutation for NotesRefusals {
    async fn write(
        &self,
        store: &dyn Store,
        call: PortCall,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        let result = store.write(write, durability).await;
        let refused = matches!(result, Err(StoreError::ConditionFailed(_)));
        let counts = matches!(call, PortCall::Checkpoint | PortCall::Generation);
        self.0.store(refused && counts, Ordering::Relaxed);
        result
    }
}

/// 15, the queue's half: a worker whose turn went on without it sends no pointer to the final that
/// it finds.
pub(super) struct StandDownWithoutPointer(pub(super) Refused);

#[async_trait]
impl QueueMutation for StandDownWithoutPointer {
    async fn send(&self, queue: &dyn Queue, message: OutgoingMessage) -> Result<(), QueueError> {
        if self.0.swap(false, Ordering::Relaxed) { Ok(()) } else { queue.send(message).await }
    }
}

/// 16: a connection's row is written after the turns that it missed were read.
pub(super) struct LateRegistration(pub(super) ProcessPorts);

impl StoreMutation for LateRegistration {
    fn deferred(&self, call: PortCall) -> Option<(Duration, Arc<dyn Store>)> {
        let store = Arc::clone(&self.0.cloud.store);
        (call == PortCall::Register).then_some((REGISTRATION_DELAY, store))
    }
}

/// 17: only the first connection of a session counts.
pub(super) struct OtherTabsForgotten;

impl StoreMutation for OtherTabsForgotten {
    fn page(&self, query: &Query, mut page: Page) -> Page {
        if PortCall::of_query(query) == PortCall::Connections {
            page.items.truncate(1);
        }
        page
    }
}

/// 18 and 24: the connections of a session are read once by a process, and remembered.
#[derive(Default)]
pub(super) struct StaleConnections(Mutex<BTreeMap<String, Page>>);

impl StoreMutation for StaleConnections {
    fn page(&self, query: &Query, page: Page) -> Page {
        if PortCall::of_query(query) != PortCall::Connections {
            return page;
        }
        lock(&self.0).entry(query.partition.clone()).or_insert(page).clone()
    }
}

/// 21: a worker learns of a stop only when it commits.
pub(super) struct StopUnseen;

#[async_trait]
impl StoreMutation for StopUnseen {
    async fn write(
        &self,
        store: &dyn Store,
        call: PortCall,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        let mut item = store.write(write, durability).await?;
        if call == PortCall::Checkpoint
            && let Some(item) = &mut item
        {
            item.attributes.remove("cancel");
        }
        Ok(item)
    }
}

/// 20: the pointer to a final waits before it is queued.
pub(super) struct LatePointer(pub(super) ProcessPorts);

#[async_trait]
impl QueueMutation for LatePointer {
    async fn send(&self, queue: &dyn Queue, message: OutgoingMessage) -> Result<(), QueueError> {
        if !matches!(ReplyMessage::parse(&message.body), Ok(ReplyMessage::Final(_))) {
            return queue.send(message).await;
        }
        let replies = Arc::clone(&self.0.cloud.replies);
        tokio::spawn(async move {
            sleep(POINTER_DELAY).await;
            replies.send(message).await
        });
        Ok(())
    }
}

/// 19 and 23: frames of some types are never pushed.
pub(super) struct FramesLeftOut {
    pub(super) inner: Arc<dyn Push>,
    pub(super) types: &'static [&'static str],
}

#[async_trait]
impl Push for FramesLeftOut {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let left_out = |kind: &&str| frame.starts_with(&format!("{{\"type\":\"{kind}\""));
        if self.types.iter().any(left_out) {
            return Ok(());
        }
        self.inner.push(connection, frame).await
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        self.inner.close(connection).await
    }
}

/// 22: an event is published by the cleanup, and not before.
pub(super) struct EventsLeftToCleanup {
    pub(super) inner: Arc<dyn Events>,
    pub(super) attempted: AttemptedEvents,
}

impl EventsLeftToCleanup {
    /// Tells whether one of the entries is so young that its notifier is still trying.
    fn is_young(&self, entries: &[EventEntry]) -> bool {
        let mut attempted = lock(&self.attempted);
        entries.iter().any(|entry| {
            let first = attempted.entry(entry.id.clone()).or_insert_with(Instant::now);
            first.elapsed() < EVENT_DELAY
        })
    }
}

#[async_trait]
impl Events for EventsLeftToCleanup {
    async fn put(&self, entries: &[EventEntry]) -> Result<Vec<usize>, EventsError> {
        if self.is_young(entries) {
            return Err(EventsError("left to the cleanup".into()));
        }
        self.inner.put(entries).await
    }
}
