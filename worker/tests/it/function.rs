//! The worker as a Lambda function, through its real program.

use serde_json::{Value, json};
use testkit::lambda::{FunctionProgram, FunctionUnderTest, RuntimeCall};

fn program() -> FunctionProgram {
    FunctionProgram::deployed("worker", env!("CARGO_BIN_EXE_worker"))
        .with_variable("CHATBOT_LOG", "trace,lambda_runtime=trace,aws_smithy_runtime=trace")
}

fn response(call: RuntimeCall) -> Value {
    match call {
        RuntimeCall::Response(body) => serde_json::from_slice(&body).unwrap(),
        other => panic!("no response: {other:?}"),
    }
}

fn record(id: &str, body: &str) -> Value {
    json!({
        "messageId": id,
        "receiptHandle": "handle",
        "body": body,
        "attributes": { "ApproximateReceiveCount": "1", "MessageGroupId": "group" },
        "eventSource": "aws:sqs",
    })
}

fn failures(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_malformed_variable_stops_the_function_and_is_named() {
    for (name, value) in
        [("CHATBOT_MAX_TOKENS", "many"), ("AURORA_CLUSTER_ARN", "arn:aws:rds:cluster")]
    {
        let program = program().with_variable(name, value);
        let mut function = FunctionUnderTest::start(&program).await.unwrap();
        let RuntimeCall::InitError(body) = function.next_call().await.unwrap() else {
            panic!("it started with {name}")
        };
        let error: Value = serde_json::from_slice(&body).unwrap();
        let named = error["errorMessage"].as_str().unwrap().split(' ').next().unwrap();
        assert!([name, "AURORA_SECRET_ARN"].contains(&named), "{error}");
        assert!(!function.wait_for_exit().await.unwrap());
    }
}

#[tokio::test]
async fn the_warmer_is_answered_without_a_call() {
    let mut function = FunctionUnderTest::start(&program()).await.unwrap();
    assert_eq!(response(function.invoke(r#"{"task":"warm"}"#).await.unwrap()), Value::Null);
}

#[tokio::test]
async fn what_cannot_be_handled_fails_alone_and_no_log_repeats_it() {
    let mut function = FunctionUnderTest::start(&program()).await.unwrap();
    let damaged = json!({ "Records": [{ "messageId": "a", "body": "canary-text" }] });
    assert_eq!(failures(&response(function.invoke(&damaged.to_string()).await.unwrap())), ["a"]);
    let unreadable = json!({ "Records": [record("b", r#"{"v":1,"type":"canary-text"}"#)] });
    assert_eq!(failures(&response(function.invoke(&unreadable.to_string()).await.unwrap())), ["b"]);
    let away = concat!(
        r#"{"v":1,"type":"message","session_key":"KvTjkLHtfsWpdud09K_2RRDRxNh0veO58zn8TR2hDmg","#,
        r#""message_id":"m1","accepted_at":"2026-11-27T11:00:00.000Z"}"#,
    );
    let away = json!({ "Records": [record("c", away), record("d", away)] });
    assert_eq!(failures(&response(function.invoke(&away.to_string()).await.unwrap())), ["c", "d"]);
    let RuntimeCall::Error(body) = function.invoke(r#"{"canary-text":1}"#).await.unwrap() else {
        panic!("it was handled")
    };
    let log = function.kill().await.unwrap() + &String::from_utf8_lossy(&body);
    assert!(!log.contains("canary"), "{log}");
}
