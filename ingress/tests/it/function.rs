//! The front door as a Lambda function, through its real program.

use serde_json::{Value, json};
use testkit::lambda::{FunctionProgram, FunctionUnderTest, RuntimeCall};

/// Words that must not be in any log.
const CANARIES: [&str; 4] = ["canary-text", "canary-token", "canary-ticket", "canary-event"];

fn program() -> FunctionProgram {
    FunctionProgram::deployed("ingress", env!("CARGO_BIN_EXE_ingress"))
}

/// The same, logging as much as can be asked for.
fn loud() -> FunctionProgram {
    program().with_variable("CHATBOT_LOG", "trace,lambda_runtime=trace,aws_smithy_runtime=trace")
}

fn response(call: RuntimeCall) -> Value {
    match call {
        RuntimeCall::Response(body) => serde_json::from_slice(&body).unwrap(),
        other => panic!("no response: {other:?}"),
    }
}

fn call(body: &str, token: &str) -> Value {
    json!({
        "resource": "/chat",
        "path": "/chat",
        "httpMethod": "POST",
        "headers": {},
        "multiValueHeaders": { "Content-Type": ["application/json"], "Authorization": [format!("Bearer {token}")] },
        "requestContext": { "httpMethod": "POST", "identity": { "sourceIp": "203.0.113.7" } },
        "body": body,
        "isBase64Encoded": false,
    })
}

#[track_caller]
fn check_silent(log: &str) {
    for canary in CANARIES {
        assert!(!log.contains(canary), "{canary} is in the log: {log}");
    }
}

#[tokio::test]
async fn a_missing_variable_stops_the_function_and_is_named() {
    let program = program().without_variable("CHATBOT_SIGNING_SECRET");
    let mut function = FunctionUnderTest::start(&program).await.unwrap();
    let RuntimeCall::InitError(body) = function.next_call().await.unwrap() else {
        panic!("it started")
    };
    let error: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(error["errorMessage"], "CHATBOT_SIGNING_SECRET is not set, and has no default here");
    assert!(!function.wait_for_exit().await.unwrap());
    assert!(function.kill().await.unwrap().contains("CHATBOT_SIGNING_SECRET is not set"));
}

#[tokio::test]
async fn strangers_without_a_budget_stop_the_function() {
    let program = program().without_variable("CHATBOT_DAILY_BUDGET_USD");
    let mut function = FunctionUnderTest::start(&program).await.unwrap();
    let RuntimeCall::InitError(body) = function.next_call().await.unwrap() else {
        panic!("it started")
    };
    assert!(String::from_utf8_lossy(&body).contains("CHATBOT_DAILY_BUDGET_USD"));
}

#[tokio::test]
async fn the_warmer_is_answered_without_a_call() {
    let mut function = FunctionUnderTest::start(&program()).await.unwrap();
    assert_eq!(response(function.invoke(r#"{"task":"warm"}"#).await.unwrap()), Value::Null);
    assert_eq!(function.kill().await.unwrap(), "");
}

#[tokio::test]
async fn a_health_call_is_answered_while_everything_is_away() {
    let mut function = FunctionUnderTest::start(&program()).await.unwrap();
    let event = json!({
        "resource": "/health", "path": "/health", "httpMethod": "GET", "requestContext": {}
    });
    let answer = response(function.invoke(&event.to_string()).await.unwrap());
    assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(false)));
}

#[tokio::test]
async fn events_that_are_none_are_refused_and_the_next_one_is_handled() {
    let mut function = FunctionUnderTest::start(&loud()).await.unwrap();
    for event in [
        json!({ "what": "canary-event" }),
        json!(["canary-event"]),
        json!({ "Records": ["canary-event"] }),
    ] {
        let RuntimeCall::Error(body) = function.invoke(&event.to_string()).await.unwrap() else {
            panic!("{event} was handled")
        };
        let error = String::from_utf8(body.to_vec()).unwrap();
        assert!(error.contains("unsupported event: "), "{error}");
        check_silent(&error);
    }
    let malformed = json!({ "httpMethod": 7, "body": "canary-event" });
    let answer = response(function.invoke(&malformed.to_string()).await.unwrap());
    assert_eq!(answer["statusCode"], 400);
    assert_eq!(answer["multiValueHeaders"]["content-type"][0], "application/problem+json");
    let log = function.kill().await.unwrap();
    assert_eq!(log.matches("rejected an event").count(), 3, "each is logged once: {log}");
    check_silent(&log);
}

#[tokio::test]
async fn a_call_while_the_services_are_away_is_a_503_and_its_log_names_it_and_says_nothing() {
    let mut function = FunctionUnderTest::start(&loud()).await.unwrap();
    let event = call(r#"{"message":"canary-text"}"#, "yogi1.canary-token.x");
    let answer = response(function.invoke(&event.to_string()).await.unwrap());
    assert_eq!(
        (&answer["statusCode"], &answer["multiValueHeaders"]["retry-after"]),
        (&json!(503), &json!(["2"]))
    );
    let attempt = json!({
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:abc/prod/$connect",
        "headers": { "Host": "ws.example.com" },
        "queryStringParameters": { "ticket": "canary-ticket" },
        "requestContext": {},
    });
    assert!(matches!(function.invoke(&attempt.to_string()).await.unwrap(), RuntimeCall::Error(_)));
    let log = function.kill().await.unwrap();
    check_silent(&log);
    let lines =
        log.lines().map(|line| serde_json::from_str::<Value>(line).expect("every line is JSON"));
    let failed = lines.filter(|line| line["message"] == "a call failed").collect::<Vec<_>>();
    let [line] = failed.as_slice() else { panic!("logged once: {log}") };
    let spans = line["spans"].to_string();
    assert!(spans.contains("00000000-0000-4000-8000-000000000000"), "the request's id: {line}");
    assert!(spans.contains("1-00000000-000000000000000000000000"), "the trace's id: {line}");
}
