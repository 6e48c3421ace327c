//! History: pages, and waiting for an answer without a socket.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::stub_provider::{Behaviour, Reply};
use tokio::time::Instant;

use crate::support::{Chatter, Setup, in_time, provider};

fn numbers(page: &Value) -> Vec<u64> {
    page["turns"].as_array().unwrap().iter().map(|turn| turn["turn"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn history_comes_in_pages_from_both_ends() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    for n in 1..=7 {
        ann.ask(&format!("Message {n}")).await;
    }
    for (query, expected) in [
        ("", vec![1, 2, 3, 4, 5, 6, 7]),
        ("?limit=3", vec![1, 2, 3]),
        ("?after=3&limit=3", vec![4, 5, 6]),
        ("?after=7", vec![]),
        ("?before=6&limit=2", vec![4, 5]),
        ("?before=1", vec![]),
        ("?after=2&before=5", vec![3, 4]),
        ("?colour=blue&limit=1", vec![1]),
    ] {
        let page = ann.http.get(&ann.path(&format!("turns{query}"))).await.expect(200);
        assert_eq!(numbers(&page), expected, "{query}");
        assert_eq!(page["running"], false);
    }
}

#[tokio::test]
async fn a_wrong_query_names_its_parameter() {
    let server = Setup::offline().start().await;
    let ann = Chatter::join(&server).await;
    for (query, field) in [
        ("after=-1", "after"),
        ("after=x", "after"),
        ("before=0", "before"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("wait=soon", "wait"),
        ("after=99999999999999999999999", "after"),
    ] {
        let problem = ann.http.get(&ann.path(&format!("turns?{query}"))).await.problem(400);
        assert_eq!(problem["field"], field, "{query}");
    }
}

#[tokio::test]
async fn a_page_is_at_most_a_megabyte_and_the_rest_can_be_fetched() {
    let stub = provider(Behaviour::Reply(Reply::long(120_000))).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    for _ in 1..=8 {
        ann.ask("Tell me everything").await;
    }
    let first = ann.http.get(&ann.path("turns")).await;
    assert!(first.text.len() <= 1_048_576, "{} bytes", first.text.len());
    let mut seen = numbers(&first.expect(200));
    assert!(seen.len() < 8, "{seen:?}");
    while let Some(last) = seen.last().filter(|last| **last < 8) {
        seen.extend(numbers(
            &ann.http.get(&ann.path(&format!("turns?after={last}"))).await.expect(200),
        ));
    }
    assert_eq!(seen, (1..=8).collect::<Vec<_>>());
}

#[tokio::test]
async fn waiting_ends_as_soon_as_the_answer_is_there() {
    let stub = provider(Behaviour::Reply(Reply::words(10).paced(Duration::from_millis(60)))).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.say("Hello").await;
    in_time(stub.until(|seen| seen.calls == 1)).await;
    let at_once = ann.http.get(&ann.path("turns")).await.expect(200);
    assert_eq!(at_once["running"], true);
    assert!(at_once["turns"].as_array().unwrap().iter().all(|turn| turn["state"] == "running"));
    let began = Instant::now();
    let waited = ann.http.get(&ann.path("turns?after=0&wait=20")).await.expect(200);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(waited["turns"][0]["text"], Reply::words(10).whole());
    assert_eq!(waited["running"], false);
}

#[tokio::test]
async fn a_wait_that_is_cut_short_says_when_to_ask_again() {
    let stub = provider(Behaviour::HangBeforeHeaders).await;
    let server = Setup::claude(&stub).with("CHATBOT_MAX_WAIT_SECONDS", "1").start().await;
    let mut ann = Chatter::join(&server).await;
    ann.say("Hello").await;
    let answer = ann.http.get(&ann.path("turns?wait=15")).await;
    assert_eq!(answer.expect(200)["running"], true);
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn feedback_is_taken_for_finals_only() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("Hello").await;
    let verdict = json!({ "rating": "up", "comment": "Thanks" });
    assert_eq!(ann.http.post(&ann.path("turns/1/feedback"), &verdict).await.status, 204);
    ann.http.post(&ann.path("turns/2/feedback"), &verdict).await.problem(404);
    let wrong =
        ann.http.post(&ann.path("turns/1/feedback"), &json!({ "rating": "sideways" })).await;
    assert_eq!(wrong.problem(400)["field"], "rating");
}
