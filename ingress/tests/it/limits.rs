//! Rates, and the bound on unfinished messages.

use std::time::Duration;

use ingress::ClientInfo;
use ingress::config::RateLimits;
use serde_json::json;

use crate::world::World;

fn world(principal_per_minute: u32, address_per_5_minutes: u32) -> World {
    World::configured(|config| {
        config.rates = RateLimits { principal_per_minute, address_per_5_minutes }
    })
}

#[tokio::test(start_paused = true)]
async fn a_principal_has_so_many_new_messages_a_minute() {
    let world = world(3, 0);
    let token = world.session().await;
    world.later(Duration::from_mins(1));
    for n in 1..=3 {
        world.say(&token, &format!("m{n}"), "Hello").await;
    }
    let fourth = json!({ "message": "Hello", "session_id": "s", "message_id": "m4" });
    let answer = world.post("/chat", &fourth).token(&token).send().await;
    answer.refused(429, None);
    assert_eq!(answer.header("retry-after"), Some("60"));
    world.say(&token, "m3", "Hello").await;
    world.get("/sessions/s/turns").token(&token).send().await.ok(200);
    world.later(Duration::from_mins(1));
    world.post("/chat", &fourth).token(&token).send().await.ok(202);
}

#[tokio::test(start_paused = true)]
async fn an_address_has_so_many_new_sessions_in_five_minutes() {
    let world = world(0, 2);
    let create = |address: &str| {
        let caller = ClientInfo { address: Some(address.to_owned()), iam: None };
        world.post("/sessions", &json!({})).caller(caller).send()
    };
    create("2001:db8::1").await.ok(201);
    create("2001:db8::2").await.ok(201);
    create("2001:db8:0:0:ffff::3").await.refused(429, None);
    create("2001:db8:0:1::3").await.ok(201);
    create("192.0.2.7").await.ok(201);
    create("::ffff:192.0.2.7").await.ok(201);
    create("192.0.2.7").await.refused(429, None);
}

#[tokio::test(start_paused = true)]
async fn zero_is_no_limit() {
    let world = world(0, 0);
    let token = world.session().await;
    for n in 1..=40 {
        world.say(&token, &format!("m{n}"), "Hello").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_has_so_many_unfinished_messages() {
    let world = World::configured(|config| config.accept_limits.max_waiting = 2);
    let token = world.session().await;
    world.say(&token, "m1", "Hello").await;
    world.say(&token, "m2", "Hello").await;
    let third = json!({ "message": "Hello", "session_id": "s", "message_id": "m3" });
    let answer = world.post("/chat", &third).token(&token).send().await;
    answer.refused(429, None);
    assert!(answer.header("retry-after").is_some());
    world.say(&token, "m2", "Hello").await;
}
