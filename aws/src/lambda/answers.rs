//! What API Gateway is answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value, json};

use super::front::multi_valued;

/// Writes an HTTP answer for the REST API.
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

/// Writes the answer to a frame, or to the end of a connection: it was taken.
pub fn taken() -> Value {
    json!({ "statusCode": 200 })
}

/// Lets a WebSocket in; every later frame of it comes with `context`, whose values must be text.
pub fn allowed(method_arn: &str, principal: &str, context: &Map<String, Value>) -> Value {
    policy("Allow", method_arn, principal, context)
}

/// Refuses a WebSocket whose credentials are good: API Gateway answers 403.
pub fn forbidden(method_arn: &str) -> Value {
    policy("Deny", method_arn, "nobody", &Map::new())
}

/// The message by which an authorizer says that credentials are no good: API Gateway then answers
/// 401.
///
/// Source: "Output from an Amazon API Gateway Lambda authorizer" in the API Gateway developer
/// guide.
pub const UNAUTHORIZED: &str = "Unauthorized";

fn policy(effect: &str, method_arn: &str, principal: &str, context: &Map<String, Value>) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": method_arn }],
        },
        "context": context,
    })
}
