//! The notifier as a Lambda function, through its real program.

use bench::functions::function;
use bench::functions::program::Program;
use bench::functions::runtime_api::Said;
use bench::functions::trial::Trial;

fn program() -> Program {
    function("notifier", env!("CARGO_BIN_EXE_notifier"))
}

fn text(said: Said) -> String {
    match said {
        Said::Response(body) => String::from_utf8(body.to_vec()).unwrap(),
        other => panic!("no response: {other:?}"),
    }
}

#[tokio::test]
async fn a_missing_variable_stops_the_function_and_is_named() {
    let mut program = program();
    program.variables.retain(|(name, _)| *name != "CHATBOT_EVENT_BUS");
    let mut trial = Trial::start(&program).await.unwrap();
    let Said::InitError(body) = trial.heard().await.unwrap() else { panic!("it started") };
    assert!(String::from_utf8_lossy(&body).contains("CHATBOT_EVENT_BUS is not set"));
    assert!(!trial.ended().await.unwrap());
}

#[tokio::test]
async fn the_warmer_is_answered_without_a_call() {
    let mut trial = Trial::start(&program()).await.unwrap();
    assert_eq!(text(trial.ask(r#"{"task":"warm"}"#).await.unwrap()), "null");
    assert_eq!(trial.end().await.unwrap(), "");
}

#[tokio::test]
async fn a_cleanup_that_cannot_read_the_table_fails_and_the_schedule_comes_again() {
    let mut trial = Trial::start(&program()).await.unwrap();
    let Said::Error(body) = trial.ask(r#"{"task":"cleanup"}"#).await.unwrap() else {
        panic!("it was done")
    };
    assert!(String::from_utf8_lossy(&body).contains("the store failed"));
    assert_eq!(trial.end().await.unwrap().matches("the cleanup will try again").count(), 1);
}

#[tokio::test]
async fn an_unreadable_reply_fails_and_no_log_repeats_it() {
    let mut trial = Trial::start(&program()).await.unwrap();
    let record = |id: &str, group: &str| {
        serde_json::json!({
            "messageId": id,
            "receiptHandle": "handle",
            "body": "canary-text",
            "attributes": { "ApproximateReceiveCount": "1", "MessageGroupId": group },
        })
    };
    let event =
        serde_json::json!({ "Records": [record("a", "g1"), record("b", "g1"), record("c", "g2")] });
    let answer = text(trial.ask(&event.to_string()).await.unwrap());
    assert_eq!(answer.matches("itemIdentifier").count(), 3, "{answer}");
    let log = trial.end().await.unwrap();
    assert!(log.contains("the reply will be tried again") && !log.contains("canary"), "{log}");
}
