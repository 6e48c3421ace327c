//! A server that is away, hangs, starts again or refuses us.

use std::net::TcpListener;
use std::time::Duration;

use aws::redis::{RedisAddress, RedisReplyCache, RedisTimeouts};
use shared::ports::ReplyCache as _;
use tokio::time::Instant;

use super::{LONG, LONG_TIMEOUTS, STAGE, Vault, cache, check_keeps, key, reply};
use crate::support::redis_server::{RedisServer, free_port};
use crate::support::service::check_clean;

/// Lets so much time pass here, and none on the server.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Asks until the failure is told, and returns it.
///
/// A call that does not wait for the connection is told nothing; a later one is.
async fn told(cache: &RedisReplyCache) -> String {
    loop {
        if let Err(error) = cache.get(&key("a")).await {
            check_clean(&error);
            return error.0.to_string();
        }
    }
}

/// Checks that calls find and keep nothing, and tell nobody.
async fn check_silent(cache: &RedisReplyCache) {
    for _ in 0..10 {
        assert_eq!(cache.get(&key("a")).await.unwrap(), None);
        cache.put(&key("a"), &reply("a"), LONG).await.unwrap();
    }
}

#[tokio::test]
async fn a_dead_server_is_told_once_then_left_alone_and_used_when_it_is_back() {
    let port = free_port();
    let cache = cache(&format!("redis://127.0.0.1:{port}"), LONG_TIMEOUTS);
    let error = cache.get(&key("a")).await.unwrap_err();
    assert!(
        error.0.to_string().starts_with("redis CONNECT had a connection error (Connection refused"),
        "{error:?}"
    );
    check_silent(&cache).await;
    pass(Duration::from_secs(1)).await;
    check_silent(&cache).await;
    if RedisServer::start(&[]).is_none() {
        return;
    }
    let server = RedisServer::start_on(port);
    check_silent(&cache).await;
    assert_eq!(
        server.figure("total_connections_received"),
        1,
        "for two seconds after the second failure"
    );
    pass(Duration::from_secs(2)).await;
    check_keeps(&cache, "a").await;
}

/// A server that takes connections and never says a word.
struct Silent(TcpListener);

impl Silent {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.0.local_addr().unwrap())
    }

    /// Returns how many connections came since it was asked last.
    fn connections(&self) -> usize {
        std::iter::from_fn(|| self.0.accept().ok()).count()
    }
}

#[tokio::test]
async fn a_server_that_hangs_costs_one_short_wait_and_then_none() {
    let silent = Silent::new();
    let cache = cache(
        &silent.url("redis"),
        RedisTimeouts { wait: LONG_TIMEOUTS.wait, ..RedisTimeouts::default() },
    );
    let began = Instant::now();
    assert_eq!(told(&cache).await, "redis GETRANGE timed out");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    check_silent(&cache).await;
    assert_eq!(silent.connections(), 1);
}

#[tokio::test]
async fn a_handshake_that_hangs_goes_on_without_the_calls_that_wait_for_it() {
    let silent = Silent::new();
    let cache = cache(
        &silent.url("rediss"),
        RedisTimeouts { connect: Duration::from_secs(1), ..RedisTimeouts::default() },
    );
    assert_eq!(cache.get(&key("a")).await.unwrap(), None);
    assert!(told(&cache).await.starts_with("redis CONNECT timed out"));
    check_silent(&cache).await;
    assert_eq!(silent.connections(), 1);
}

#[tokio::test]
async fn a_server_that_started_again_is_used_at_once() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    check_keeps(&cache, "a").await;
    server.restart();
    assert_eq!(cache.get(&key("a")).await.unwrap(), None, "it came back empty");
    check_keeps(&cache, "b").await;
}

#[tokio::test]
async fn a_server_that_goes_away_in_use_is_told_once_for_each_outage() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    for _ in 0..2 {
        check_keeps(&cache, "a").await;
        server.stop();
        told(&cache).await;
        check_silent(&cache).await;
        server.restart();
        pass(Duration::from_secs(1)).await;
    }
    check_keeps(&cache, "a").await;
}

#[tokio::test]
async fn a_connection_that_lay_idle_is_made_anew() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    check_keeps(&cache, "a").await;
    let before = server.figure("total_connections_received");
    pass(Duration::from_mins(1)).await;
    check_keeps(&cache, "b").await;
    assert_eq!(
        server.figure("total_connections_received"),
        before + 2,
        "the one that asks, and a new one"
    );
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_nobodys() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    for name in ["a", "b"] {
        check_keeps(&cache, name).await;
    }
    let before = server.figure("total_connections_received");
    server.signal("STOP");
    for _ in 0..3 {
        let key = key("a");
        let late = Duration::from_millis(20);
        assert!(tokio::time::timeout(late, cache.get(&key)).await.is_err(), "the caller gives up");
    }
    server.signal("CONT");
    assert_eq!(cache.get(&key("b")).await.unwrap(), Some(reply("b")));
    assert_eq!(cache.get(&key("a")).await.unwrap(), Some(reply("a")));
    assert_eq!(server.figure("total_connections_received"), before + 1, "over the same connection");
}

#[tokio::test]
async fn a_server_that_stalls_in_use_is_told_and_asked_over_a_new_connection() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let cache =
        cache(&server.url(), RedisTimeouts { response: Duration::from_secs(1), ..LONG_TIMEOUTS });
    check_keeps(&cache, "a").await;
    server.signal("STOP");
    assert_eq!(told(&cache).await, "redis GETRANGE timed out");
    check_silent(&cache).await;
    server.signal("CONT");
    let before = server.figure("total_connections_received");
    pass(Duration::from_secs(1)).await;
    check_keeps(&cache, "b").await;
    assert_eq!(
        server.figure("total_connections_received"),
        before + 2,
        "the one that asks, and a new one"
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_once_and_fetched_again() {
    let Some(server) = RedisServer::start(&[]) else { return };
    server.does::<()>(&["ACL", "SETUSER", "bot", "on", ">hunter2", "~*", "+@all"]);
    let vault = Vault::new(Some("canary"));
    let address = RedisAddress::parse(&server.url().replace("//", "//bot@")).unwrap();
    let cache = RedisReplyCache::new(address, STAGE, vault.secrets(), LONG_TIMEOUTS);
    assert_eq!(told(&cache).await, "redis CONNECT failed (user or password refused)");
    check_silent(&cache).await;
    *vault.0.lock().unwrap() = Some("hunter2".to_owned());
    pass(Duration::from_secs(1)).await;
    check_keeps(&cache, "a").await;
}

#[tokio::test]
async fn a_missing_password_is_told_by_the_servers_code() {
    let Some(server) = RedisServer::start(&["--requirepass", "hunter2"]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    assert_eq!(told(&cache).await, "redis GETRANGE failed (NOAUTH)");
    check_silent(&cache).await;
}

#[tokio::test]
async fn no_error_repeats_what_a_command_carried() {
    let Some(server) = RedisServer::start(&["--rename-command", "SET", ""]) else { return };
    let cache = cache(&server.url(), LONG_TIMEOUTS);
    let error = cache.put(&key("a"), &reply("canary"), LONG).await.unwrap_err();
    check_clean(&error);
    assert_eq!(error.0.to_string(), "redis SET failed (ERR)");
}
