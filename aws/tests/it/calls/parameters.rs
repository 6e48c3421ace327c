//! Parameter Store.

use aws::parameters::get_parameter;
use serde_json::json;

use crate::support::service::{Answer, Service, check_clean};

#[tokio::test]
async fn a_parameter_is_its_text() {
    let service = Service::new(|_, _| Answer::ok(json!({"Parameter": {"Value": "claude,openai"}})));
    assert_eq!(
        get_parameter(&service.sdk(), "/a/b").await.unwrap().as_deref(),
        Some("claude,openai")
    );
    assert_eq!(service.calls()[0].body, json!({"Name": "/a/b"}));
}

#[tokio::test]
async fn a_missing_parameter_is_none() {
    let service = Service::new(|_, _| Answer::error(400, "ParameterNotFound"));
    assert_eq!(get_parameter(&service.sdk(), "/a/b").await.unwrap(), None);
    let blank = Service::new(|_, _| Answer::ok(json!({"Parameter": {"Value": " "}})));
    assert_eq!(get_parameter(&blank.sdk(), "/a/b").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_an_error() {
    let service = Service::new(|_, _| Answer::error(400, "AccessDeniedException"));
    let error = get_parameter(&service.sdk(), "/a/b").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ssm GetParameter failed (AccessDeniedException, 400, request request-1)"
    );
    check_clean(&error);
}
