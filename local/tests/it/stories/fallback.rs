//! Two providers, one of which has a bad day.

use std::time::Duration;

use serde_json::json;
use testkit::stub_provider::{Behaviour, Failure, Protocol, Reply, StubProvider};

use crate::support::{Chatter, Final, Setup, TestServer, in_time, provider};

struct Pair {
    claude: StubProvider,
    openai: StubProvider,
    server: TestServer,
}

/// Starts a server whose first choice is Claude and whose second is a provider that replies.
async fn pair(claude: Behaviour) -> Pair {
    let claude = provider(claude).await;
    let openai =
        provider(Behaviour::Reply(Reply::default().paced(Duration::from_millis(10)))).await;
    let setup = Setup::claude(&claude).and_openai(&openai);
    let server = setup.with("CHATBOT_FIRST_BYTE_TIMEOUT_MS", "1000").start().await;
    Pair { claude, openai, server }
}

/// Asks, and expects the second provider to answer after one call of the first.
async fn check_falls_back(claude: Behaviour) -> Final {
    let pair = pair(claude).await;
    let mut ann = Chatter::join(&pair.server).await;
    let answer = ann.ask("Hello").await;
    assert_eq!((answer.kind.as_str(), answer.provider.as_str()), ("reply", "openai"));
    assert_eq!(answer.text, Reply::default().whole());
    assert_eq!((pair.claude.calls().len(), pair.openai.calls().len()), (1, 1));
    answer
}

#[tokio::test]
async fn an_overloaded_provider_is_replaced_by_the_next_before_anything_is_shown() {
    let answer = check_falls_back(Behaviour::Status(Failure::new(529))).await;
    let [shown] = answer.provisional.as_slice() else { panic!("{:?}", answer.provisional) };
    assert!(answer.text.starts_with(shown.as_str()), "{shown:?}");
}

#[tokio::test]
async fn while_one_provider_wants_to_be_left_alone_the_other_answers() {
    check_falls_back(Behaviour::Status(Failure::new(429).retry_after(60))).await;
}

#[tokio::test]
async fn a_refused_key_falls_back_at_once() {
    check_falls_back(Behaviour::Status(Failure::new(401))).await;
}

#[tokio::test]
async fn a_spent_quota_falls_back_at_once() {
    check_falls_back(Behaviour::Status(Failure::insufficient_quota())).await;
}

#[tokio::test]
async fn a_retired_model_falls_back_at_once() {
    check_falls_back(Behaviour::Status(Failure::retired_model())).await;
}

#[tokio::test]
async fn a_provider_that_hangs_is_replaced_by_the_next() {
    check_falls_back(Behaviour::HangBeforeHeaders).await;
}

#[tokio::test]
async fn a_reply_that_dies_is_begun_anew_by_the_next_provider() {
    let answer = check_falls_back(Behaviour::DieMidStream { after: 5 }).await;
    let [before, last] = answer.provisional.as_slice() else { panic!("{:?}", answer.provisional) };
    assert!(!before.is_empty(), "something of the first was shown");
    assert_eq!(*last, answer.text);
    assert!(answer.statuses.contains(&"fallback".to_owned()), "{:?}", answer.statuses);
}

#[tokio::test]
async fn a_refusal_of_the_model_is_the_answer_and_nobody_else_is_asked() {
    let pair = pair(Behaviour::Refusal).await;
    let mut ann = Chatter::join(&pair.server).await;
    let answer = ann.ask("Hello").await;
    assert_eq!((answer.finish_reason.as_str(), answer.provider.as_str()), ("refusal", "claude"));
    assert!(pair.openai.calls().is_empty());
}

#[tokio::test]
async fn the_provider_that_a_message_asks_for_comes_first() {
    let pair = pair(Behaviour::Reply(Reply::default())).await;
    let mut ann = Chatter::join(&pair.server).await;
    let id = ann.say_with("Hello", json!({ "provider": "openai" })).await;
    assert_eq!(ann.final_of(&id).await.provider, "openai");
    assert_eq!(ann.ask("Hello again").await.provider, "claude");
    let unknown = ann.chat(json!({ "message": "Hello", "provider": "offline" })).await;
    assert_eq!(unknown.problem(400)["field"], "provider");
}

#[tokio::test]
async fn with_all_providers_down_the_turn_is_an_error_and_the_next_one_goes_on() {
    let pair = pair(Behaviour::Status(Failure::new(500))).await;
    pair.openai.set(Behaviour::Status(Failure::new(500)));
    let mut ann = Chatter::join(&pair.server).await;
    let failed = ann.ask("First").await;
    assert_eq!((failed.kind.as_str(), failed.error.as_str()), ("error", "providers_unavailable"));
    pair.claude.set(Behaviour::Echo);
    pair.openai.set(Behaviour::Echo);
    let answer = ann.ask("Second").await;
    assert_eq!((answer.turn, answer.kind.as_str(), answer.text.as_str()), (2, "reply", "Second"));
}

#[tokio::test]
async fn when_every_key_is_refused_the_error_says_so() {
    let pair = pair(Behaviour::Status(Failure::new(401))).await;
    pair.openai.set(Behaviour::Status(Failure::new(403)));
    let mut ann = Chatter::join(&pair.server).await;
    assert_eq!(ann.ask("Hello").await.error, "providers_rejected");
    assert_eq!((pair.claude.calls().len(), pair.openai.calls().len()), (1, 1));
}

#[tokio::test]
async fn a_spent_budget_is_an_error_without_any_call() {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    let server =
        Setup::claude(&stub).with("CHATBOT_PRINCIPAL_DAILY_BUDGET_USD", "0.000001").start().await;
    let mut ann = Chatter::join(&server).await;
    let answer = ann.ask("Hello").await;
    assert_eq!((answer.kind.as_str(), answer.error.as_str()), ("error", "budget_exhausted"));
    assert!(stub.calls().is_empty());
}

#[tokio::test]
async fn a_budget_is_settled_with_what_was_really_used() {
    let stub = provider(Behaviour::Echo).await;
    // Two reservations of 2,048 tokens, room for thinking included, would not fit at once.
    let server = Setup::claude(&stub).with("CHATBOT_DAILY_BUDGET_USD", "0.0018").start().await;
    let mut ann = Chatter::join(&server).await;
    for _ in 0..3 {
        assert_eq!(ann.ask("Hello").await.kind, "reply");
    }
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone_for_a_while() {
    let pair = pair(Behaviour::Status(Failure::new(500))).await;
    let mut ann = Chatter::join(&pair.server).await;
    for turn in 1..=8 {
        assert_eq!(ann.ask("Hello").await.turn, turn);
    }
    assert_eq!(pair.claude.calls().len(), 5, "the breaker opens after five failures");
    assert_eq!(pair.openai.calls().len(), 8);
    assert!(pair.claude.calls().iter().all(|call| call.protocol == Protocol::Claude));
    in_time(pair.openai.until(|seen| seen.calls == 8)).await;
}
