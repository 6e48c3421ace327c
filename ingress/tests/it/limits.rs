//! Rates, and the bound on unfinished messages.

use std::time::Duration;

use ingress::config::RateLimits;
use ingress::{AuthMode, ClientInfo, IamIdentity};
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
async fn a_refused_newcomer_leaves_no_counter_of_its_own() {
    let world = world(30, 1);
    world.post("/chat", &json!({ "message": "Hello" })).send().await.ok(202);
    let before = world.store.inner.dump().len();
    for _ in 0..100 {
        world.post("/chat", &json!({ "message": "Hello" })).send().await.refused(429, None);
        world.post("/sessions", &json!({})).send().await.refused(429, None);
    }
    assert_eq!(world.store.inner.dump().len(), before);
}

#[tokio::test(start_paused = true)]
async fn who_signs_in_is_not_counted_by_address() {
    let rates = RateLimits { principal_per_minute: 2, address_per_5_minutes: 1 };
    let mut config = crate::world::config();
    config.auth = AuthMode::Iam;
    config.rates = rates;
    let world = World::with(config, &["a"], None);
    let create = |user: usize| {
        let iam = IamIdentity {
            cognito_identity_id: Some(format!("eu-west-1:{user}")),
            unique_id: Some("AROAEXAMPLE:pool".to_owned()),
        };
        let caller = ClientInfo { address: Some("192.0.2.7".to_owned()), iam: Some(iam) };
        world.post("/sessions", &json!({})).caller(caller).send()
    };
    for user in 0..10 {
        create(user).await.ok(201);
    }
    create(1).await.ok(201);
    create(1).await.refused(429, None);
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
