//! Events as AWS documents them, and what is made of them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Map, Value, json};
use shared::ports::Receipt;

use super::UnsupportedEvent;
use super::api_gateway::{ApiGatewayEvent, HttpCall};
use super::responses;
use super::sqs::{SqsBatch, batch_item_failures};

macro_rules! fixture {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!(
            "../../tests/fixtures/",
            $name,
            ".json"
        )))
        .unwrap()
    };
}

#[track_caller]
fn call(event: Value) -> HttpCall {
    match ApiGatewayEvent::from_event(event).unwrap() {
        ApiGatewayEvent::Http(call) => *call,
        other => panic!("{other:?}"),
    }
}

/// A call that is no HTTP is answered, so that it is not tried again and again.
#[track_caller]
fn check_malformed(event: Value) {
    assert!(matches!(
        ApiGatewayEvent::from_event(event),
        Ok(ApiGatewayEvent::Malformed(UnsupportedEvent(_)))
    ));
}

#[track_caller]
fn check_refused(event: Value) {
    assert!(matches!(ApiGatewayEvent::from_event(event), Err(UnsupportedEvent(_))));
}

#[test]
fn a_call_of_the_rest_api_is_an_http_request() {
    let call = call(fixture!("rest-chat"));
    let request = &call.request;
    assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, "/chat"));
    assert_eq!(request.headers()["idempotency-key"], "m-1");
    assert_eq!(request.body(), r#"{"message":"Hello","session_id":"test-123"}"#);
    assert_eq!(call.address.as_deref(), Some("203.0.113.7"));
    assert_eq!((call.cognito_identity_id, call.unique_id), (None, None));
}

#[test]
fn the_base_path_of_a_custom_domain_is_not_part_of_the_route() {
    let call = call(fixture!("rest-turns-custom-domain"));
    assert_eq!(call.request.uri().path(), "/sessions/a%3Ab/turns");
    let mut pairs: Vec<_> = call.request.uri().query().unwrap().split('&').collect();
    pairs.sort_unstable();
    assert_eq!(pairs, ["after=2", "limit=10"]);
    assert_eq!(
        call.cognito_identity_id.as_deref(),
        Some("us-east-1:00000000-0000-4000-8000-00000000000a")
    );
    assert_eq!(call.unique_id.as_deref(), Some("AROAEXAMPLEEXAMPLE:CognitoIdentityCredentials"));
}

#[test]
fn a_path_parameter_cannot_reach_another_route() {
    let mut event = fixture!("rest-turns-custom-domain");
    event["pathParameters"]["id"] = json!("a/../../chat?x#y z");
    assert_eq!(call(event).request.uri().path(), "/sessions/a%2F..%2F..%2Fchat%3Fx%23y%20z/turns");
}

#[test]
fn an_identity_that_iam_did_not_state_is_none() {
    let mut event = fixture!("rest-chat");
    event["requestContext"]["identity"]["user"] = json!("AROAEXAMPLE:somebody");
    assert_eq!(call(event).unique_id, None);
}

#[test]
fn a_body_and_nothing_else_is_a_message() {
    let call = call(fixture!("guide"));
    assert_eq!((call.request.method(), call.request.uri().path()), (&Method::POST, "/chat"));
    assert_eq!(call.request.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(call.address, None);
}

#[test]
fn an_encoded_body_is_decoded_and_a_broken_one_refused() {
    let mut event = fixture!("rest-chat");
    event["isBase64Encoded"] = json!(true);
    event["body"] = json!("eyJhIjoxfQ==");
    assert_eq!(call(event.clone()).request.body(), r#"{"a":1}"#);
    event["body"] = json!("not base64!");
    check_malformed(event);
}

#[test]
fn an_attempt_to_connect_has_its_ticket_and_its_origin() {
    let ApiGatewayEvent::Authorize(attempt) =
        ApiGatewayEvent::from_event(fixture!("socket-authorizer")).unwrap()
    else {
        panic!()
    };
    assert_eq!(
        (attempt.ticket.as_str(), attempt.origin.as_deref()),
        ("a-ticket", Some("https://app.example.com"))
    );
    assert!(attempt.method_arn.ends_with("/prod/$connect"));
    let mut twice = fixture!("socket-authorizer");
    twice["multiValueQueryStringParameters"]["ticket"] = json!(["a-ticket", "another"]);
    let ApiGatewayEvent::Authorize(attempt) = ApiGatewayEvent::from_event(twice).unwrap() else {
        panic!()
    };
    assert_eq!(attempt.ticket, "", "two tickets are none");
    let mut without = fixture!("socket-authorizer");
    without["queryStringParameters"] = Value::Null;
    without["multiValueQueryStringParameters"] = Value::Null;
    without["headers"] = json!({});
    let ApiGatewayEvent::Authorize(attempt) = ApiGatewayEvent::from_event(without).unwrap() else {
        panic!()
    };
    assert_eq!((attempt.ticket.as_str(), attempt.origin), ("", None));
}

#[test]
fn a_frame_comes_with_what_the_authorizer_said() {
    let ApiGatewayEvent::Frame(socket, text) =
        ApiGatewayEvent::from_event(fixture!("socket-resume")).unwrap()
    else {
        panic!()
    };
    assert_eq!(socket.connection.as_str(), "Abc1dfghoAMCKjA=");
    assert_eq!(
        (&socket.context["session_key"], text.as_str()),
        (&json!("session-key"), r#"{"type":"resume","after":0}"#)
    );
    let ApiGatewayEvent::Disconnect(socket) =
        ApiGatewayEvent::from_event(fixture!("socket-disconnect")).unwrap()
    else {
        panic!()
    };
    assert_eq!(socket.context["principal_hash"], "principal-hash");
}

#[test]
fn the_warmer_is_known_and_everything_else_refused() {
    assert!(matches!(
        ApiGatewayEvent::from_event(json!({ "task": "warm" })),
        Ok(ApiGatewayEvent::Warm)
    ));
    for event in [
        json!({}),
        json!([]),
        json!("text"),
        json!(null),
        json!({ "Records": [] }),
        json!({ "body": null }),
    ] {
        check_refused(event);
    }
    check_malformed(json!({ "httpMethod": 7 }));
    check_refused(json!({ "requestContext": { "connectionId": "c", "eventType": "CONNECT" } }));
}

#[test]
fn a_batch_has_its_deliveries_and_the_trace_of_a_single_one() {
    let batch = SqsBatch::from_event(fixture!("sqs-requests")).unwrap();
    let [delivery] = batch.deliveries.as_slice() else { panic!("{batch:?}") };
    assert_eq!((delivery.group.as_str(), delivery.receive_count), ("session-key", 2));
    assert_eq!(delivery.receipt, Receipt("receipt-1".to_owned()));
    assert!(batch.trace.unwrap().starts_with("Root=1-5e1b4151"));
}

#[test]
fn a_record_without_a_group_fails_alone() {
    let mut event = fixture!("sqs-requests");
    let mut odd = event["Records"][0].clone();
    odd["attributes"] = json!({});
    odd["messageId"] = json!("odd");
    event["Records"].as_array_mut().unwrap().push(odd);
    let batch = SqsBatch::from_event(event).unwrap();
    assert_eq!(
        (batch.deliveries.len(), batch.unreadable.as_slice(), batch.trace),
        (1, &["odd".to_owned()][..], None)
    );
    assert_eq!(
        batch_item_failures(batch.unreadable),
        json!({ "batchItemFailures": [{ "itemIdentifier": "odd" }] })
    );
}

#[test]
fn what_is_no_batch_is_refused() {
    for event in [json!({}), json!({ "Records": 1 }), json!({ "Records": [1] }), json!([])] {
        assert!(SqsBatch::from_event(event).is_err());
    }
}

#[test]
fn an_answer_keeps_every_value_of_a_header() {
    let mut response = Response::new(Bytes::from_static(b"{}"));
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("sessions/a/turns"));
    response.headers_mut().append(SET_COOKIE, HeaderValue::from_static("a=1"));
    response.headers_mut().append(SET_COOKIE, HeaderValue::from_static("b=2"));
    let expected = json!({
        "statusCode": 202,
        "multiValueHeaders": { "location": ["sessions/a/turns"], "set-cookie": ["a=1", "b=2"] },
        "body": "{}",
        "isBase64Encoded": false,
    });
    assert_eq!(responses::http(&response), expected);
    let binary = responses::http(&Response::new(Bytes::from_static(&[0xff])));
    assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!("/w=="), &json!(true)));
}

#[test]
fn an_admitted_socket_carries_its_session_and_a_refused_one_nothing() {
    let context = Map::from_iter([("session_key".to_owned(), json!("k"))]);
    let allowed = responses::allow("arn", "hash", &context);
    assert_eq!(allowed["policyDocument"]["Statement"][0]["Effect"], "Allow");
    assert_eq!(
        (&allowed["principalId"], &allowed["context"]["session_key"]),
        (&json!("hash"), &json!("k"))
    );
    let denied = responses::deny("arn");
    assert_eq!(
        (&denied["policyDocument"]["Statement"][0]["Effect"], &denied["context"]),
        (&json!("Deny"), &json!({}))
    );
}
