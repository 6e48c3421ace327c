//! The adapters in memory pass every suite.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ConnectionId, ProviderName, Timestamp};
use shared::memory::{
    MemoryDocuments, MemoryEvents, MemoryPush, MemoryQueue, MemorySecrets, MemoryStore, TokioClock,
};
use shared::ports::{
    CacheKey, CachedReply, EventSource, ReplyCache, SigningKey, SigningKeys, store::Store,
};
use shared::reply_cache::{CacheLimits, MemoryReplyCache};
use testkit::conformance::{self, Published};

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_keeps_its_promises() {
    conformance::store(async |clock| Arc::new(MemoryStore::new(clock)) as Arc<dyn Store>).await;
}

#[tokio::test(start_paused = true)]
async fn the_queue_in_memory_keeps_its_promises() {
    conformance::queue(async |settings| {
        Arc::new(MemoryQueue::new(settings)) as Arc<dyn EventSource>
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_event_bus_in_memory_keeps_its_promises() {
    let events = MemoryEvents::new();
    conformance::events(&events, async || {
        events.published().into_iter().map(Published::from).collect()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_documents_in_memory_keep_their_promises() {
    conformance::documents(async |documents| Arc::new(MemoryDocuments::new(documents)) as _).await;
}

#[tokio::test]
async fn the_library_in_memory_keeps_its_promises() {
    let make = async || {
        let documents = Arc::new(MemoryDocuments::default());
        (documents.clone() as _, documents as _)
    };
    conformance::library(make).await;
    conformance::search(make).await;
}

#[tokio::test(start_paused = true)]
async fn the_reply_cache_in_memory_keeps_its_promises() {
    let clock = Arc::new(TokioClock::starting_at(Timestamp(1_800_000_000_000)));
    let make = async |entries| {
        let bounds = CacheLimits { entries, bytes: 1024 * 1024 };
        Arc::new(MemoryReplyCache::new(clock.clone(), bounds)) as Arc<dyn ReplyCache>
    };
    conformance::reply_cache(make, 0, tokio::time::sleep).await;
}

#[tokio::test(start_paused = true)]
async fn the_reply_that_was_not_asked_for_the_longest_goes_first() {
    let clock = Arc::new(TokioClock::starting_at(Timestamp(1_800_000_000_000)));
    let cache = MemoryReplyCache::new(clock, CacheLimits { entries: 10, bytes: 5_000 });
    let reply = |bytes| CachedReply {
        provider: ProviderName::Claude,
        model: String::new(),
        text: "x".repeat(bytes),
        citations: Vec::new(),
        grounding: None,
    };
    let key = |name| CacheKey::of(&[name]);
    for (name, bytes) in [("a", 1_500), ("b", 1_500), ("c", 10)] {
        cache.put(&key(name), &reply(bytes), Duration::from_mins(1)).await.unwrap();
    }
    assert!(cache.get(&key("a")).await.unwrap().is_some());
    cache.put(&key("d"), &reply(1_500), Duration::from_mins(1)).await.unwrap();
    let mut found = Vec::new();
    for name in ["a", "b", "c", "d"] {
        found.push(cache.get(&key(name)).await.unwrap().is_some());
    }
    assert_eq!(found, [true, false, true, true], "its bytes are too many with the fourth");
    cache.put(&key("e"), &reply(6_000), Duration::from_mins(1)).await.unwrap();
    assert_eq!(cache.get(&key("e")).await.unwrap(), None, "one that never fits is not kept");
}

#[tokio::test(start_paused = true)]
async fn the_connections_in_memory_keep_their_promises() {
    let push = MemoryPush::new();
    let connection = ConnectionId::new("c1");
    conformance::push(&push, &connection, async || push.frames(&connection)).await;
}

#[tokio::test(start_paused = true)]
async fn the_secrets_in_memory_keep_their_promises() {
    let key = SigningKey { id: "k1".to_owned(), key: Arc::new(vec![7; 32].into()) };
    let secrets = MemorySecrets::new(SigningKeys(vec![key]));
    conformance::secrets(&secrets, async |provider, key| secrets.set(provider, key)).await;
}
