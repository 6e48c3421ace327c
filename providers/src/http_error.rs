//! Turns providers' errors into the few kinds that a caller distinguishes.
//!
//! An error's text contains the status and the provider's own type or code, but never its message:
//! messages may quote prompts and keys.

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use shared::ports::ModelError;

use super::retry_after;

/// The longest error name that is included in a text.
const LONGEST_NAME: usize = 64;

/// Turns an HTTP error into a [`ModelError`].
///
/// Billing and credentials come first, because no retry helps; then `x-should-retry`; then the
/// status.
pub fn error_from_response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ModelError {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let name = name(&body["error"]);
    let code = [Some(status.as_str()), name].into_iter().flatten().collect::<Vec<_>>().join(" ");
    match classify(status.as_u16(), name, should_retry(headers)) {
        ErrorClass::Busy => ModelError::Busy { code, retry_after: retry_after::read(headers) },
        ErrorClass::Unauthorized => ModelError::Unauthorized(code),
        ErrorClass::Permanent => ModelError::Permanent(code),
    }
}

/// Turns an error event inside a stream, after a 200, into a [`ModelError`].
///
/// It has no status and no headers. Its type or code decides; an unknown one means a broken stream.
pub(super) fn from_event(error: &Value) -> ModelError {
    let Some(name) = name(error) else {
        return ModelError::Broken("an error event without a type".to_owned());
    };
    let Some(status) = status_of(name).or_else(|| name.parse().ok()) else {
        return ModelError::Broken(format!("error event {name}"));
    };
    let code = name.to_owned();
    match classify(status, Some(name), None) {
        ErrorClass::Busy => ModelError::Busy { code, retry_after: None },
        ErrorClass::Unauthorized => ModelError::Unauthorized(code),
        ErrorClass::Permanent => ModelError::Permanent(code),
    }
}

enum ErrorClass {
    Busy,
    Unauthorized,
    Permanent,
}

fn classify(status: u16, name: Option<&str>, should_retry: Option<bool>) -> ErrorClass {
    if status == 402 || name.is_some_and(is_billing) {
        return ErrorClass::Permanent;
    }
    if matches!(status, 401 | 403) {
        return ErrorClass::Unauthorized;
    }
    let by_status = matches!(status, 408 | 409 | 429 | 500..);
    if should_retry.unwrap_or(by_status) { ErrorClass::Busy } else { ErrorClass::Permanent }
}

/// Tells whether the error is about billing rather than load.
fn is_billing(name: &str) -> bool {
    ["insufficient_quota", "spend_limit", "billing"].iter().any(|word| name.contains(word))
}

fn should_retry(headers: &HeaderMap) -> Option<bool> {
    headers.get("x-should-retry")?.to_str().ok()?.trim().parse().ok()
}

/// Returns the most specific name of the error: Claude's detail, `OpenAI`'s code, or the type.
fn name(error: &Value) -> Option<&str> {
    let names = [&error["details"]["error_code"], &error["code"], &error["type"]];
    names.into_iter().filter_map(Value::as_str).find(|name| is_name(name))
}

/// Tells whether the text is a name, or a status as text.
///
/// Compatible servers put whole sentences there. A sentence may contain a key, which has digits,
/// and would be logged.
fn is_name(text: &str) -> bool {
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let is_status = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    (1..=LONGEST_NAME).contains(&text.len()) && (is_word || is_status)
}

fn status_of(name: &str) -> Option<u16> {
    Some(match name {
        "invalid_request_error" => 400,
        "authentication_error" | "invalid_api_key" => 401,
        "billing_error" | "insufficient_quota" => 402,
        "permission_error" => 403,
        "not_found_error" | "model_not_found" => 404,
        "conflict_error" => 409,
        "request_too_large" | "context_length_exceeded" => 413,
        "rate_limit_error" | "rate_limit_exceeded" => 429,
        "api_error" | "server_error" | "internal_server_error" => 500,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        money if is_billing(money) => 402,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(status: u16, headers: &[(&'static str, &'static str)], error: &Value, expected: &str) {
        let pairs = headers
            .iter()
            .map(|(name, value)| ((*name).parse().unwrap(), (*value).parse().unwrap()));
        let body = json!({ "error": error }).to_string();
        let error = error_from_response(
            StatusCode::from_u16(status).unwrap(),
            &pairs.collect(),
            body.as_bytes(),
        );
        assert_eq!(short(&error), expected);
    }

    #[track_caller]
    fn check_event(error: &Value, expected: &str) {
        assert_eq!(short(&from_event(error)), expected);
    }

    fn short(error: &ModelError) -> String {
        match error {
            ModelError::Busy { code, retry_after: None } => format!("busy: {code}"),
            ModelError::Busy { code, retry_after: Some(wait) } => format!("busy: {code}, {wait:?}"),
            ModelError::Broken(text) => format!("broken: {text}"),
            ModelError::Unauthorized(text) => format!("unauthorized: {text}"),
            ModelError::Permanent(text) => format!("permanent: {text}"),
        }
    }

    #[test]
    fn load_is_busy_and_bad_requests_are_permanent() {
        check(
            429,
            &[("retry-after", "2")],
            &json!({"type": "rate_limit_error"}),
            "busy: 429 rate_limit_error, 2s",
        );
        check(529, &[], &json!({"type": "overloaded_error"}), "busy: 529 overloaded_error");
        check(408, &[], &Value::Null, "busy: 408");
        check(409, &[], &json!({"type": "conflict_error"}), "busy: 409 conflict_error");
        check(500, &[], &json!({"type": "server_error", "code": null}), "busy: 500 server_error");
        check(
            400,
            &[],
            &json!({"type": "invalid_request_error"}),
            "permanent: 400 invalid_request_error",
        );
        check(
            404,
            &[],
            &json!({"type": "x", "code": "model_not_found"}),
            "permanent: 404 model_not_found",
        );
        check(413, &[], &json!({"type": "request_too_large"}), "permanent: 413 request_too_large");
        check(302, &[], &Value::Null, "permanent: 302");
    }

    #[test]
    fn money_and_keys_are_never_retried() {
        let retry = [("x-should-retry", "true")];
        check(
            429,
            &retry,
            &json!({"code": "insufficient_quota"}),
            "permanent: 429 insufficient_quota",
        );
        let spent = json!({
            "type": "rate_limit_error",
            "details": {"error_code": "enforced_spend_limit_reached"}
        });
        check(429, &retry, &spent, "permanent: 429 enforced_spend_limit_reached");
        check(402, &retry, &json!({"type": "billing_error"}), "permanent: 402 billing_error");
        check(
            401,
            &retry,
            &json!({"type": "authentication_error"}),
            "unauthorized: 401 authentication_error",
        );
        check(403, &retry, &Value::Null, "unauthorized: 403");
    }

    #[test]
    fn the_providers_word_on_retrying_wins_over_the_status() {
        check(400, &[("x-should-retry", "true")], &Value::Null, "busy: 400");
        check(503, &[("x-should-retry", "false")], &Value::Null, "permanent: 503");
        check(503, &[("x-should-retry", "perhaps")], &Value::Null, "busy: 503");
    }

    #[test]
    fn an_errors_text_is_a_name_and_never_a_sentence() {
        check(
            400,
            &[],
            &json!({"type": "the prompt was: Hello", "message": "key sk-1"}),
            "permanent: 400",
        );
        check(400, &[], &json!({"code": 17, "type": ["x"]}), "permanent: 400");
        check(500, &[], &json!("a string"), "busy: 500");
        check(500, &[], &json!({"type": "x".repeat(65)}), "busy: 500");
        let echo = json!({"type": "authentication_error", "code": "no-real-key-4711"});
        check(401, &[], &echo, "unauthorized: 401 authentication_error");
    }

    #[test]
    fn an_error_after_the_200_is_judged_by_its_type() {
        check_event(&json!({"type": "overloaded_error", "message": "x"}), "busy: overloaded_error");
        check_event(&json!({"type": "server_error", "code": null}), "busy: server_error");
        check_event(&json!({"type": "invalid_request_error"}), "permanent: invalid_request_error");
        check_event(&json!({"code": "insufficient_quota"}), "permanent: insufficient_quota");
        check_event(&json!({"type": "authentication_error"}), "unauthorized: authentication_error");
        check_event(&json!({"code": "502"}), "busy: 502");
        check_event(&json!({"type": "something_new"}), "broken: error event something_new");
        check_event(&json!("overloaded"), "broken: an error event without a type");
    }
}
