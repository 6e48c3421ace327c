//! The worker as a Lambda function, through its real program.

use bench::functions::function;
use bench::functions::program::Program;
use bench::functions::runtime_api::Said;
use bench::functions::trial::Trial;
use serde_json::{Value, json};

fn program() -> Program {
    let mut program = function("worker", env!("CARGO_BIN_EXE_worker"));
    program.variables.retain(|(name, _)| *name != "CHATBOT_LOG");
    program
        .variables
        .push(("CHATBOT_LOG", "trace,lambda_runtime=trace,aws_smithy_runtime=trace".to_owned()));
    program
}

fn response(said: Said) -> Value {
    match said {
        Said::Response(body) => serde_json::from_slice(&body).unwrap(),
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
        let mut program = program();
        program.variables.push((name, value.to_owned()));
        let mut trial = Trial::start(&program).await.unwrap();
        let Said::InitError(body) = trial.heard().await.unwrap() else {
            panic!("it started with {name}")
        };
        let error: Value = serde_json::from_slice(&body).unwrap();
        let named = error["errorMessage"].as_str().unwrap().split(' ').next().unwrap();
        assert!([name, "AURORA_SECRET_ARN"].contains(&named), "{error}");
        assert!(!trial.ended().await.unwrap());
    }
}

#[tokio::test]
async fn the_warmer_is_answered_without_a_call() {
    let mut trial = Trial::start(&program()).await.unwrap();
    assert_eq!(response(trial.ask(r#"{"task":"warm"}"#).await.unwrap()), Value::Null);
}

#[tokio::test]
async fn what_cannot_be_handled_fails_alone_and_no_log_repeats_it() {
    let mut trial = Trial::start(&program()).await.unwrap();
    let damaged = json!({ "Records": [{ "messageId": "a", "body": "canary-text" }] });
    assert_eq!(failures(&response(trial.ask(&damaged.to_string()).await.unwrap())), ["a"]);
    let unreadable = json!({ "Records": [record("b", r#"{"v":1,"type":"canary-text"}"#)] });
    assert_eq!(failures(&response(trial.ask(&unreadable.to_string()).await.unwrap())), ["b"]);
    let away = r#"{"v":1,"type":"message","session_key":"KvTjkLHtfsWpdud09K_2RRDRxNh0veO58zn8TR2hDmg","message_id":"m1","accepted_at":"2026-11-27T11:00:00.000Z"}"#;
    let away = json!({ "Records": [record("c", away), record("d", away)] });
    assert_eq!(failures(&response(trial.ask(&away.to_string()).await.unwrap())), ["c", "d"]);
    let Said::Error(body) = trial.ask(r#"{"canary-text":1}"#).await.unwrap() else {
        panic!("it was handled")
    };
    let log = trial.end().await.unwrap() + &String::from_utf8_lossy(&body);
    assert!(!log.contains("canary"), "{log}");
}
