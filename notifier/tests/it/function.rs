//! The notifier as a Lambda function, through its real program.

use testkit::lambda::{FunctionProgram, FunctionUnderTest, RuntimeCall};

fn program() -> FunctionProgram {
    FunctionProgram::deployed("notifier", env!("CARGO_BIN_EXE_notifier"))
}

fn text(call: RuntimeCall) -> String {
    match call {
        RuntimeCall::Response(body) => String::from_utf8(body.to_vec()).unwrap(),
        other => panic!("no response: {other:?}"),
    }
}

#[tokio::test]
async fn a_missing_variable_stops_the_function_and_is_named() {
    let program = program().without_variable("CHATBOT_EVENT_BUS");
    let mut function = FunctionUnderTest::start(&program).await.unwrap();
    let RuntimeCall::InitError(body) = function.next_call().await.unwrap() else {
        panic!("it started")
    };
    assert!(String::from_utf8_lossy(&body).contains("CHATBOT_EVENT_BUS is not set"));
    assert!(!function.wait_for_exit().await.unwrap());
}

#[tokio::test]
async fn the_warmer_is_answered_without_a_call() {
    let mut function = FunctionUnderTest::start(&program()).await.unwrap();
    assert_eq!(text(function.invoke(r#"{"task":"warm"}"#).await.unwrap()), "null");
    assert_eq!(function.kill().await.unwrap(), "");
}

#[tokio::test]
async fn a_cleanup_that_cannot_read_the_table_fails_and_the_schedule_comes_again() {
    let mut function = FunctionUnderTest::start(&program()).await.unwrap();
    let RuntimeCall::Error(body) = function.invoke(r#"{"task":"cleanup"}"#).await.unwrap() else {
        panic!("it was done")
    };
    assert!(String::from_utf8_lossy(&body).contains("the store failed"));
    assert_eq!(function.kill().await.unwrap().matches("the cleanup will try again").count(), 1);
}

#[tokio::test]
async fn an_unreadable_reply_fails_and_no_log_repeats_it() {
    let mut function = FunctionUnderTest::start(&program()).await.unwrap();
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
    let answer = text(function.invoke(&event.to_string()).await.unwrap());
    assert_eq!(answer.matches("itemIdentifier").count(), 3, "{answer}");
    let log = function.kill().await.unwrap();
    assert!(log.contains("the reply will be tried again") && !log.contains("canary"), "{log}");
}
