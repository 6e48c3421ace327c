//! What the server holds, and what is read of it.

use std::sync::{Arc, Mutex};

use aws::redis::{RedisAddress, RedisReplyCache};
use futures::future::join_all;
use shared::ports::ReplyCache;
use testkit::conformance;

use super::{LONG, LONG_TIMEOUTS, STAGE, Vault, cache, check_keeps, key, name, reply};
use crate::support::redis_server::RedisServer;

/// What one reply of the suite may take at most, so that the bound is far from what a server needs
/// for itself.
const BYTES_PER_REPLY: u64 = 10 * 1024;
/// How many more of the suite's small replies then fit.
const SLACK: usize = 1_000;

#[tokio::test]
async fn the_reply_cache_on_redis_keeps_its_promises() {
    if RedisServer::start(&[]).is_none() {
        return;
    }
    let servers = Mutex::new(Vec::new());
    let make = async |entries: usize| {
        let server = RedisServer::start(&["--maxmemory-policy", "volatile-ttl"]).unwrap();
        let cache: Arc<dyn ReplyCache> = Arc::new(cache(&server.url(), LONG_TIMEOUTS));
        cache.get(&key("connected")).await.unwrap();
        let most = server.figure("used_memory") + u64::try_from(entries).unwrap() * BYTES_PER_REPLY;
        server.does::<()>(&["CONFIG", "SET", "maxmemory", &most.to_string()]);
        servers.lock().unwrap().push(server);
        cache
    };
    // Time passes on the server's clock: it waits that long for what nobody sends.
    let pass = async |time: std::time::Duration| {
        let seconds = time.as_secs_f64().to_string();
        servers.lock().unwrap()[0].does::<()>(&["BLPOP", "nothing", &seconds]);
    };
    conformance::reply_cache(make, SLACK, pass).await;
}

#[tokio::test]
async fn a_reply_is_under_its_stage_and_expires_by_itself() {
    let Some(server) = RedisServer::start(&[]) else { return };
    check_keeps(&cache(&server.url(), LONG_TIMEOUTS), "a").await;
    assert_eq!(server.does::<Vec<String>>(&["KEYS", "*"]), [name(&key("a"))]);
    let left: u64 = server.does(&["PTTL", &name(&key("a"))]);
    assert!((1..=60_000).contains(&left), "{left}");
    let address = RedisAddress::parse(&server.url()).unwrap();
    let other = RedisReplyCache::new(address, "prod", Vault::new(None).secrets(), LONG_TIMEOUTS);
    assert_eq!(other.get(&key("a")).await.unwrap(), None, "another stage's");
}

#[tokio::test]
async fn nothing_is_connected_before_the_first_call_and_many_share_one_connection() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    let before = server.figure("total_connections_received");
    assert_eq!(server.figure("total_connections_received"), before + 1, "only the one that asks");
    join_all(
        (0..50)
            .map(|n| async move { n })
            .map(async |n| check_keeps(&cache, &n.await.to_string()).await),
    )
    .await;
    assert_eq!(server.figure("total_connections_received"), before + 3);
}

#[tokio::test]
async fn what_is_not_ours_is_not_served() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    check_keeps(&cache, "a").await;
    let whole = server.does::<String>(&["GET", &name(&key("a"))]);
    let b = name(&key("b"));
    let long = format!("{}{}", whole, " ".repeat(512 * 1024));
    for value in [
        "",
        "a",
        "{}",
        "null",
        "\u{0}",
        &whole[..whole.len() - 1],
        r#"{"key":"k","reply":null}"#,
        &whole,
        &long,
    ] {
        server.does::<()>(&["SET", &b, value]);
        assert_eq!(cache.get(&key("b")).await.unwrap(), None, "{value:.80}");
    }
    server.does::<()>(&["SET", &name(&key("a")), &long]);
    assert_eq!(cache.get(&key("a")).await.unwrap(), None, "it is too long to be one of ours");
}

#[tokio::test]
async fn a_key_of_another_type_is_absent_and_closes_nothing() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    server.does::<()>(&["LPUSH", &name(&key("a")), "x"]);
    assert_eq!(cache.get(&key("a")).await.unwrap(), None);
    check_keeps(&cache, "a").await;
}

#[tokio::test]
async fn a_reply_that_is_too_long_is_not_kept() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    cache.put(&key("a"), &reply(&"x".repeat(512 * 1024)), LONG).await.unwrap();
    assert_eq!(server.does::<u64>(&["DBSIZE"]), 0);
    check_keeps(&cache, &"\u{1}".repeat(64 * 1024)).await;
}

#[tokio::test]
async fn a_full_server_that_evicts_nothing_is_told_once_and_still_read() {
    let Some(server) = RedisServer::start(&["--maxmemory-policy", "noeviction"]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    check_keeps(&cache, "a").await;
    let limit = async |most: &str| server.does::<()>(&["CONFIG", "SET", "maxmemory", most]);
    for _ in 0..2 {
        limit("1").await;
        let error = cache.put(&key("b"), &reply("b"), LONG).await.unwrap_err();
        assert_eq!(error.0.to_string(), "redis SET failed (OOM)");
        cache.put(&key("b"), &reply("b"), LONG).await.unwrap();
        assert_eq!(cache.get(&key("a")).await.unwrap(), Some(reply("a")));
        assert_eq!(cache.get(&key("b")).await.unwrap(), None);
        limit("0").await;
        check_keeps(&cache, "c").await;
    }
}

#[tokio::test]
async fn a_user_needs_no_more_than_two_commands_on_the_stages_own_keys() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let keys = format!("~chatbot:{STAGE}:reply:*");
    server.does::<()>(&["ACL", "SETUSER", "bot", "on", ">hunter2", &keys, "+getrange", "+set"]);
    let url = server.url().replace("//", "//bot@");
    let address = RedisAddress::parse(&url).unwrap();
    let cache =
        RedisReplyCache::new(address, STAGE, Vault::new(Some("hunter2")).secrets(), LONG_TIMEOUTS);
    check_keeps(&cache, "a").await;
}
