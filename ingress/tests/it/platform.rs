//! What the platform does to the door: conflicts, wrong clocks, rotated keys, a process that others
//! used before.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::domain::{ProviderName, Timestamp};
use shared::memory::ManualClock;
use shared::ports::{Secrets, SecretsError, SigningKeys};
use shared::protocol::SessionRow;
use tokio::time::Instant;

use crate::rows;
use crate::world::{Conflict, START, TestResponse, World, signing_key};

fn message(id: &str) -> Value {
    json!({ "message": "Hello", "session_id": "s", "message_id": id })
}

fn accepted(world: &World) -> u64 {
    let rows = world.store.inner.dump();
    let session = rows.iter().find(|item| item.key.sort == "META").unwrap();
    session.to_row::<SessionRow>().unwrap().accepted
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_session_others_write_too_is_accepted_once() {
    for conflicts in [
        vec![Conflict::Refused; 4],
        vec![Conflict::AckLost],
        vec![Conflict::Refused, Conflict::AckLost],
    ] {
        let world = World::new();
        let token = world.session().await;
        *world.store.conflicts.lock().unwrap() = conflicts.clone().into();
        let began = Instant::now();
        world.post("/chat", &message("m1")).token(&token).send().await.ok(202);
        assert!(began.elapsed() < Duration::from_secs(1), "{conflicts:?}: {:?}", began.elapsed());
        assert_eq!((accepted(&world), world.store.count("M#")), (1, 1), "{conflicts:?}");
        assert_eq!(World::bodies(&world.requests).await.len(), 1, "{conflicts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_stays_in_conflict_is_a_503_within_a_second() {
    let world = World::new();
    let token = world.session().await;
    *world.store.conflicts.lock().unwrap() = vec![Conflict::Refused; 100].into();
    let began = Instant::now();
    let answer = world.post("/chat", &message("m1")).token(&token).send().await;
    answer.refused(503, None);
    assert!(answer.header("retry-after").is_some());
    let waited = began.elapsed();
    assert!(waited > Duration::from_millis(300) && waited < Duration::from_secs(1), "{waited:?}");
    assert!(World::bodies(&world.requests).await.is_empty());
    world.store.conflicts.lock().unwrap().clear();
    world.post("/chat", &message("m1")).token(&token).send().await.ok(202);
    assert_eq!((accepted(&world), World::bodies(&world.requests).await.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn callers_in_conflict_do_not_come_back_together() {
    let world = World::new();
    let token = world.session().await;
    let mut pauses = BTreeSet::new();
    for number in 0..8 {
        world.store.conflicts.lock().unwrap().push_back(Conflict::Refused);
        let began = Instant::now();
        world.say(&token, &format!("m{number}"), "Hello").await;
        pauses.insert(began.elapsed());
    }
    let range = Duration::from_millis(25)..=Duration::from_millis(51);
    assert!(pauses.iter().all(|pause| range.contains(pause)), "{pauses:?}");
    assert!(pauses.len() > 4, "{pauses:?}");
}

/// Lets the next calls go through a door whose clock is wrong by so many minutes.
fn skew(world: &mut World, minutes: i64) {
    world.enter_by(|ports| {
        ports.clock = Arc::new(ManualClock::new(Timestamp(START.0 + minutes * 60_000)));
    });
}

#[tokio::test(start_paused = true)]
async fn doors_whose_clocks_differ_by_ten_minutes_keep_one_conversation() {
    for (first, second) in [(5, -5), (-5, 5)] {
        let mut world = World::new();
        skew(&mut world, first);
        let token = world.session().await;
        world.say(&token, "m1", "Hello").await;
        skew(&mut world, second);
        world.say(&token, "m2", "Hello").await;
        world.say(&token, "m1", "Hello").await;
        assert_eq!(
            (accepted(&world), world.store.count("M#"), world.store.count("META")),
            (2, 2, 1)
        );
        rows::put(&world, &rows::replied(&world, 1, "Maths.")).await;
        let turns = world.get("/sessions/s/turns").token(&token).send().await.ok(200);
        assert_eq!(turns.json["turns"][0]["text"], "Maths.");
        world
            .post("/sessions/s/stop", &json!({ "message_id": "m2" }))
            .token(&token)
            .send()
            .await
            .ok(202);
        let bodies = World::bodies(&world.requests).await;
        let ids: Vec<&str> =
            bodies.iter().map(|body| body["message_id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["m1", "m2"], "in the order of acceptance, whatever the clocks say");
    }
}

/// A vault whose signing keys can be rotated under a door that is open.
struct Vault(Mutex<SigningKeys>);

impl Vault {
    fn rotate(&self, ids: &[&str]) {
        self.0.lock().unwrap().0 = ids.iter().map(|id| signing_key(id)).collect();
    }
}

#[async_trait]
impl Secrets for Vault {
    async fn provider_key(&self, _: ProviderName) -> Result<Option<SecretString>, SecretsError> {
        Ok(None)
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn refresh(&self, _: ProviderName) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_rotated_under_an_open_door_count_from_the_next_call() {
    let vault = Arc::new(Vault(Mutex::new(SigningKeys(vec![signing_key("a")]))));
    let mut world = World::new();
    world.enter_by(|ports| ports.secrets = vault.clone());
    let old = world.session().await;
    vault.rotate(&["b", "a"]);
    let renewed =
        world.post("/sessions", &json!({ "session_id": "s" })).token(&old).send().await.ok(201);
    let new = renewed.json["session_token"].as_str().unwrap().to_owned();
    vault.rotate(&["c", "b"]);
    world.get("/sessions/s/turns").token(&new).send().await.ok(200);
    world.get("/sessions/s/turns").token(&old).send().await.refused(401, None);
}

/// Two people's calls after each other; `between` happens before each.
async fn story(mut world: World, between: impl Fn(&mut World)) -> Vec<TestResponse> {
    let alice = world.session().await;
    let mut answers = vec![];
    between(&mut world);
    answers.push(world.post("/chat", &message("m1")).token(&alice).send().await);
    between(&mut world);
    let bob = world.post("/sessions", &json!({ "session_id": "s" })).send().await;
    let token = bob.json["session_token"].as_str().unwrap().to_owned();
    assert_ne!(token, alice, "a newcomer is nobody who came before");
    answers.push(bob);
    for token in [&token, &alice] {
        for (method, path, body) in [
            (http::Method::GET, "/sessions/s/turns", None),
            (http::Method::GET, "/documents", None),
            (http::Method::POST, "/chat", Some(message("m1"))),
            (
                http::Method::POST,
                "/chat",
                Some(json!({ "message": "Hello", "session_id": "other" })),
            ),
            (http::Method::POST, "/sessions/s/tickets", Some(json!({}))),
            (http::Method::POST, "/sessions/absent/tickets", Some(json!({}))),
        ] {
            between(&mut world);
            let ask =
                world.ask(method, path).token(token).header("content-type", "application/json");
            answers.push(
                ask.body(body.map_or_else(String::new, |body| body.to_string())).send().await,
            );
        }
    }
    between(&mut world);
    answers.push(world.get("/sessions/s/turns").send().await);
    answers
}

#[tokio::test(start_paused = true)]
async fn a_warm_door_answers_as_a_cold_one() {
    let warm = story(World::new(), |_| ()).await;
    let cold = story(World::new(), |world| world.enter_by(|_| ())).await;
    assert_eq!(warm, cold);
    assert_eq!(warm.last().unwrap().status, 401, "credentials of an earlier call are nobody's");
}
