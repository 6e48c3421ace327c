//! WebSocket connections.

use std::sync::{Arc, Mutex};

use aws::push::ApiGatewayPush;
use serde_json::json;
use shared::domain::ConnectionId;
use shared::ports::{Push as _, PushError};
use testkit::conformance;

use crate::support::service::{Answer, CANARY, Service, check_clean};

fn push(service: &Service) -> ApiGatewayPush {
    ApiGatewayPush::new(&service.sdk(), "https://api.test/prod")
}

fn connection() -> ConnectionId {
    ConnectionId::new("L0SM9cOFvHcCIhw=")
}

#[tokio::test]
async fn connections_keep_their_promises() {
    let frames = Arc::new(Mutex::new(Vec::new()));
    let open = Arc::new(Mutex::new(true));
    let at_service = Arc::clone(&frames);
    let is_open = Arc::clone(&open);
    let service = Service::new(move |call, _| {
        let mut open = is_open.lock().unwrap();
        match call.operation.starts_with("DELETE") {
            _ if !*open => return Answer::error(410, "GoneException"),
            true => *open = false,
            false => at_service.lock().unwrap().push(call.text.clone()),
        }
        Answer::ok(json!({}))
    });
    let arrived = async || frames.lock().unwrap().clone();
    conformance::push(&push(&service), &connection(), arrived).await;
}

#[tokio::test]
async fn a_frame_goes_to_its_connection_at_the_stage() {
    let service = Service::new(|_, _| Answer::ok(json!({})));
    push(&service).push(&connection(), "{}").await.unwrap();
    push(&service).close(&connection()).await.unwrap();
    assert_eq!(service.calls()[0].url, "https://api.test/prod/@connections/L0SM9cOFvHcCIhw%3D");
    let path = "/prod/@connections/L0SM9cOFvHcCIhw%3D";
    assert_eq!(service.operations(), [format!("POST {path}"), format!("DELETE {path}")]);
}

#[tokio::test]
async fn every_refusal_has_its_meaning_and_none_is_repeated() {
    for (status, code, expected) in [
        (410, "GoneException", "gone"),
        (429, "LimitExceededException", "slow"),
        (429, "TooManyRequestsException", "slow"),
        (413, "PayloadTooLargeException", "failed"),
        (403, "ForbiddenException", "failed"),
        (400, "BadRequestException", "failed"),
        (500, "InternalServerError", "failed"),
    ] {
        let service = Service::new(move |_, _| Answer::error(status, code));
        let error = push(&service).push(&connection(), CANARY).await.unwrap_err();
        let meaning = match &error {
            PushError::Gone => "gone",
            PushError::Slow => "slow",
            PushError::Failed(_) => "failed",
        };
        assert_eq!(meaning, expected, "{code}");
        check_clean(&error);
        assert_eq!(service.calls().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_connection_of_ours_that_died_while_frozen_costs_no_frame() {
    let service = Service::new(|_, n| if n == 0 { Answer::Breaks } else { Answer::ok(json!({})) });
    push(&service).push(&connection(), "{}").await.unwrap();
    let away = Service::new(|_, _| Answer::Breaks);
    assert!(matches!(push(&away).push(&connection(), "{}").await, Err(PushError::Failed(_))));
    assert_eq!(away.calls().len(), 2);
}

#[tokio::test]
async fn a_frame_that_is_too_large_does_not_travel() {
    let service = Service::new(|_, _| Answer::ok(json!({})));
    let frame = CANARY.repeat(10_000);
    check_clean(&push(&service).push(&connection(), &frame).await.unwrap_err());
    assert_eq!(service.calls().len(), 0);
}
