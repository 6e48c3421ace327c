//! Responses to API Gateway.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value, json};

use super::api_gateway::multi_valued;

/// Converts an HTTP response for the REST API.
pub fn http(response: &Response<Bytes>) -> Value {
    let (body, encoded) = match std::str::from_utf8(response.body()) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(response.body()), true),
    };
    json!({
        "statusCode": response.status().as_u16(),
        "multiValueHeaders": multi_valued(response.headers()),
        "body": body,
        "isBase64Encoded": encoded,
    })
}

/// Returns the response to a WebSocket frame or to a disconnect: it was accepted.
pub fn ok() -> Value {
    json!({ "statusCode": 200 })
}

/// Allows a WebSocket connection. API Gateway adds `context` to every later frame of it; its values
/// must be text.
pub fn allow(method_arn: &str, principal: &str, context: &Map<String, Value>) -> Value {
    policy("Allow", method_arn, principal, context)
}

/// Denies a WebSocket connection with valid credentials: API Gateway responds with 403.
pub fn deny(method_arn: &str) -> Value {
    policy("Deny", method_arn, "nobody", &Map::new())
}

/// The error message of an authorizer for invalid credentials: API Gateway then responds with 401.
///
/// Source: "Output from an Amazon API Gateway Lambda authorizer" in the API Gateway developer
/// guide.
pub const UNAUTHORIZED: &str = "Unauthorized";

fn policy(effect: &str, method_arn: &str, principal: &str, context: &Map<String, Value>) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Action": "execute-api:Invoke",
                "Effect": effect,
                "Resource": method_arn,
            }],
        },
        "context": context,
    })
}
