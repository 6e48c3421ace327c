//! The adapters in memory pass every suite.

use std::sync::Arc;

use shared::conformance::{self, Published};
use shared::domain::ConnectionId;
use shared::memory::{MemoryDocuments, MemoryEvents, MemoryPush, MemoryQueue, MemorySecrets, MemoryStore};
use shared::ports::{EventSource, SigningKey, SigningKeys, store::Store};

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_keeps_its_promises() {
    conformance::store(async |clock| Arc::new(MemoryStore::new(clock)) as Arc<dyn Store>).await;
}

#[tokio::test(start_paused = true)]
async fn the_queue_in_memory_keeps_its_promises() {
    conformance::queue(async |settings| Arc::new(MemoryQueue::new(settings)) as Arc<dyn EventSource>).await;
}

#[tokio::test(start_paused = true)]
async fn the_event_bus_in_memory_keeps_its_promises() {
    let events = MemoryEvents::new();
    conformance::events(&events, async || events.published().into_iter().map(Published::from).collect()).await;
}

#[tokio::test(start_paused = true)]
async fn the_documents_in_memory_keep_their_promises() {
    conformance::documents(async |documents| Arc::new(MemoryDocuments::new(documents)) as _).await;
}

#[tokio::test(start_paused = true)]
async fn the_connections_in_memory_keep_their_promises() {
    let (push, connection) = (MemoryPush::new(), ConnectionId::new("c1"));
    conformance::push(&push, &connection, async || push.frames(&connection)).await;
}

#[tokio::test(start_paused = true)]
async fn the_secrets_in_memory_keep_their_promises() {
    let key = SigningKey { id: "k1".to_owned(), key: Arc::new(vec![7; 32].into()) };
    let secrets = MemorySecrets::new(SigningKeys(vec![key]));
    conformance::secrets(&secrets, async |provider, key| secrets.set(provider, key)).await;
}
