//! `GET /sessions/{id}/turns`.

use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::{FinishReason, TurnKind};
use shared::protocol::TurnRow;

use crate::rows;
use crate::world::{TestResponse, World};

async fn history(world: &World, token: &str, query: &str) -> TestResponse {
    world.get(&format!("/sessions/s/turns{query}")).token(token).send().await
}

async fn numbers(world: &World, token: &str, query: &str) -> Vec<u64> {
    let answer = history(world, token, query).await.ok(200);
    answer.json["turns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| turn["turn"].as_u64().unwrap())
        .collect()
}

async fn with_turns(count: u64) -> (World, String) {
    let world = World::new();
    let token = world.session().await;
    for number in 1..=count {
        rows::put(&world, &rows::replied(&world, number, "Answer")).await;
    }
    (world, token)
}

#[tokio::test(start_paused = true)]
async fn a_principal_has_so_many_waiting_calls_and_further_ones_are_answered_at_once() {
    let world = World::new();
    let token = world.session().await;
    world.say(&token, "m1", "Hello").await;
    let wait = async || {
        let begun = tokio::time::Instant::now();
        let path = "/sessions/s/turns?wait=20";
        let answer = world.get(path).token(&token).send().await.ok(200);
        (begun.elapsed().is_zero(), answer.header("retry-after").map(str::to_owned))
    };
    let answers = futures::future::join_all((0..30).map(|_| wait())).await;
    let at_once = answers.iter().filter(|(at_once, _)| *at_once).count();
    assert_eq!(at_once, 10);
    assert!(answers.iter().all(|(at_once, retry)| *at_once == retry.is_some()), "{answers:?}");
    assert!(!wait().await.0, "the places are given back");
}

#[tokio::test(start_paused = true)]
async fn history_shows_every_kind_of_turn() {
    let world = World::new();
    let token = world.session().await;
    rows::put(&world, &rows::replied(&world, 1, "Period 3 is maths.")).await;
    rows::put(&world, &rows::failed(&world, 2)).await;
    let cancelled = TurnRow {
        kind: Some(TurnKind::Cancelled),
        finish_reason: Some(FinishReason::Cancelled),
        ..rows::replied(&world, 3, "Period")
    };
    rows::put(&world, &cancelled).await;
    let running = TurnRow { partial: Some("Period 4 ".to_owned()), ..rows::running(&world, 4) };
    rows::put(&world, &running).await;
    insta::assert_json_snapshot!(history(&world, &token, "").await.ok(200).json);
}

#[tokio::test(start_paused = true)]
async fn an_empty_history_is_empty() {
    let world = World::new();
    let token = world.session().await;
    assert_eq!(
        history(&world, &token, "").await.ok(200).json,
        json!({ "turns": [], "running": false })
    );
    world.say(&token, "m1", "Hello").await;
    assert_eq!(
        history(&world, &token, "").await.ok(200).json,
        json!({ "turns": [], "running": true })
    );
}

#[tokio::test(start_paused = true)]
async fn pages_ascend_in_both_directions() {
    let (world, token) = with_turns(120).await;
    assert_eq!(numbers(&world, &token, "").await, (1..=100).collect::<Vec<_>>());
    assert_eq!(numbers(&world, &token, "?after=100").await, (101..=120).collect::<Vec<_>>());
    assert_eq!(numbers(&world, &token, "?before=50&limit=3").await, [47, 48, 49]);
    assert_eq!(numbers(&world, &token, "?after=10&before=14").await, [11, 12, 13]);
    assert_eq!(numbers(&world, &token, "?after=10&before=100&limit=2").await, [11, 12]);
    assert_eq!(numbers(&world, &token, "?before=1").await, [0_u64; 0]);
    assert_eq!(numbers(&world, &token, "?after=18446744073709551615").await, [0_u64; 0]);
    assert_eq!(numbers(&world, &token, "?after=118&before=50").await, [0_u64; 0]);
    assert_eq!(numbers(&world, &token, "?%61fter=118&unknown=x").await, [119, 120]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_stays_below_a_megabyte() {
    let world = World::new();
    let token = world.session().await;
    for number in 1..=12 {
        rows::put(&world, &rows::replied(&world, number, &"x".repeat(150_000))).await;
    }
    let answer = history(&world, &token, "").await.ok(200);
    assert!(answer.bytes.len() <= 1_000_000 + 100);
    assert_eq!(numbers(&world, &token, "").await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(numbers(&world, &token, "?before=13").await, [7, 8, 9, 10, 11, 12]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_beyond_the_page_is_still_running() {
    let (world, token) = with_turns(3).await;
    rows::put(&world, &rows::running(&world, 4)).await;
    assert_eq!(history(&world, &token, "?limit=1").await.json["running"], true);
    rows::put(&world, &rows::replied(&world, 4, "Answer")).await;
    assert_eq!(history(&world, &token, "?limit=1").await.json["running"], false);
}

#[tokio::test(start_paused = true)]
async fn a_bad_query_is_named() {
    let (world, token) = with_turns(1).await;
    for (query, field) in [
        ("?after=x", "after"),
        ("?after=-1", "after"),
        ("?after=", "after"),
        ("?after", "after"),
        ("?after=99999999999999999999", "after"),
        ("?before=0", "before"),
        ("?before=1.5", "before"),
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?wait=soon", "wait"),
        ("?wait=%ff", "wait"),
    ] {
        history(&world, &token, query).await.refused(400, Some(field));
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_is_answered_when_the_turn_is_final() {
    let (world, token) = with_turns(1).await;
    rows::put(&world, &rows::running(&world, 2)).await;
    let began = tokio::time::Instant::now();
    let finish = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        rows::put(&world, &rows::replied(&world, 2, "Answer")).await;
    };
    let (answer, ()) = tokio::join!(history(&world, &token, "?after=1&wait=10"), finish);
    assert_eq!(answer.json["turns"][0]["state"], "done");
    assert_eq!(answer.header("retry-after"), None);
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(3) && took <= Duration::from_millis(3_300), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_waits_no_longer_than_it_may() {
    let (world, token) = with_turns(1).await;
    let began = tokio::time::Instant::now();
    let answer = history(&world, &token, "?after=1&wait=60").await.ok(200);
    assert_eq!(began.elapsed(), Duration::from_secs(20));
    assert_eq!(answer.json["turns"], Value::Array(vec![]));
    assert_eq!(answer.header("retry-after"), Some("1"));
    history(&world, &token, "?after=0&wait=60").await.ok(200);
    assert_eq!(
        began.elapsed(),
        Duration::from_secs(20),
        "a final that is there already is not waited for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_deleted_during_a_wait_is_absent() {
    let (world, token) = with_turns(1).await;
    let (answer, _) = tokio::join!(
        history(&world, &token, "?after=1&wait=2"),
        world.delete("/sessions/s").token(&token).send()
    );
    answer.refused(404, None);
}
