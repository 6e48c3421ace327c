//! The suite of [`ReplyCache`].

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{Citation, DocumentId, Grounding, ProviderName, sha256_hex};
use shared::ports::{CacheKey, CachedReply, ReplyCache};

const LONG: Duration = Duration::from_mins(1);

/// Checks a reply cache; `make` returns an empty one that keeps so many replies, and at most
/// `slack` more.
///
/// `pass` lets time pass on the cache's clock.
pub async fn reply_cache(
    make: impl AsyncFn(usize) -> Arc<dyn ReplyCache>,
    slack: usize,
    pass: impl AsyncFn(Duration),
) {
    let cache = make(100).await;
    what_was_put_is_found_under_its_key_alone(cache.as_ref()).await;
    a_later_reply_takes_the_place_of_an_earlier_one(cache.as_ref()).await;
    what_is_too_old_is_absent(cache.as_ref(), pass).await;
    it_never_grows_beyond_its_bounds(make(10).await.as_ref(), 10 + slack).await;
}

async fn what_was_put_is_found_under_its_key_alone(cache: &dyn ReplyCache) {
    assert_eq!(cache.get(&key("a")).await.unwrap(), None);
    let first = reply("é🎈\n\u{0}\"quoted\"");
    let second = reply(&"long ".repeat(10_000));
    cache.put(&key("a"), &first, LONG).await.unwrap();
    cache.put(&key("b"), &second, LONG).await.unwrap();
    assert_eq!(cache.get(&key("a")).await.unwrap(), Some(first));
    assert_eq!(cache.get(&key("b")).await.unwrap(), Some(second));
    assert_eq!(cache.get(&key("c")).await.unwrap(), None);
}

async fn a_later_reply_takes_the_place_of_an_earlier_one(cache: &dyn ReplyCache) {
    for text in ["earlier", "later"] {
        cache.put(&key("d"), &reply(text), LONG).await.unwrap();
    }
    assert_eq!(cache.get(&key("d")).await.unwrap(), Some(reply("later")));
}

async fn what_is_too_old_is_absent(cache: &dyn ReplyCache, pass: impl AsyncFn(Duration)) {
    cache.put(&key("e"), &reply("short"), Duration::from_secs(1)).await.unwrap();
    assert_eq!(cache.get(&key("e")).await.unwrap(), Some(reply("short")));
    pass(Duration::from_millis(1_100)).await;
    assert_eq!(cache.get(&key("e")).await.unwrap(), None);
}

async fn it_never_grows_beyond_its_bounds(cache: &dyn ReplyCache, most: usize) {
    let keys: Vec<CacheKey> = (0..most + 50).map(|n| key(&format!("n{n}"))).collect();
    for key in &keys {
        cache.put(key, &reply("one of many"), LONG).await.unwrap();
    }
    let mut found = 0;
    for key in &keys {
        found += usize::from(cache.get(key).await.unwrap().is_some());
    }
    assert!(found <= most, "{found} replies are kept, and {most} may be");
    let last = keys.last().unwrap();
    assert!(cache.get(last).await.unwrap().is_some(), "what was put last is kept");
}

fn key(name: &str) -> CacheKey {
    CacheKey::of(&["suite", name])
}

fn reply(text: &str) -> CachedReply {
    let citation = Citation {
        number: 1,
        offset: 4,
        document_id: DocumentId::parse("handbook").unwrap(),
        title: "Handbook".to_owned(),
        source_url: Some("https://school.example/handbook".to_owned()),
        version: sha256_hex("the content"),
        ordinal: 3,
        start: 120,
        end: 139,
        quote: "Phones stay at home".to_owned(),
    };
    CachedReply {
        provider: ProviderName::Claude,
        model: "claude-x".to_owned(),
        text: text.to_owned(),
        citations: vec![citation],
        grounding: Some(Grounding::Cited),
    }
}
