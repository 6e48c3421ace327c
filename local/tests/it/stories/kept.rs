//! The same first question, asked by somebody else: its reply is kept, where that is switched on.

use serde_json::json;
use testkit::stub_provider::{Behaviour, Reply};

use crate::support::{Chatter, Setup, provider};

const QUESTION: &str = "What does class 7B have on Tuesday in period 3?";

#[tokio::test]
async fn a_repeated_first_question_costs_no_model_call() {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    let server = Setup::claude(&stub).with("CHATBOT_REPLY_CACHE", "memory").start().await;
    let mut ann = Chatter::join(&server).await;
    let mut ben = Chatter::join(&server).await;
    let first = ann.ask(QUESTION).await;
    let again = ben.ask(QUESTION).await;
    assert_eq!(first.text, again.text);
    assert_eq!((again.kind.as_str(), stub.calls().len()), ("reply", 1));
    let turn = &ben.turns().await[0];
    assert_eq!((&turn["cached"], &turn["cost_micro_usd"]), (&json!(true), &json!(0)));
    assert!(ann.turns().await[0].get("cached").is_none());
    ben.ask(QUESTION).await;
    assert_eq!(stub.calls().len(), 2, "a later turn has another history");
}

#[tokio::test]
async fn a_kept_reply_outlives_the_server_only_in_the_database() {
    for (place, calls) in [("memory", 2), ("sqlite", 1)] {
        let stub = provider(Behaviour::Reply(Reply::default())).await;
        let server = Setup::claude(&stub).with("CHATBOT_REPLY_CACHE", place).start().await;
        Chatter::join(&server).await.ask(QUESTION).await;
        Chatter::join(&server).await.ask(QUESTION).await;
        assert_eq!(stub.calls().len(), 1, "{place}");
        let server = server.stop().await.start().await;
        Chatter::join(&server).await.ask(QUESTION).await;
        assert_eq!(stub.calls().len(), calls, "{place}");
    }
}

#[tokio::test]
async fn nothing_is_kept_unless_somebody_wants_it() {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    let server = Setup::claude(&stub).start().await;
    for _ in 0..2 {
        Chatter::join(&server).await.ask(QUESTION).await;
    }
    assert_eq!(stub.calls().len(), 2);
}
