//! Rejects requests whose `Host` header names another machine (DNS rebinding).
//!
//! A foreign page can make its own host name resolve to 127.0.0.1; the browser then treats this
//! server as the page's own origin. A server that only this machine may use therefore accepts only
//! the names of the loopback interface.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HOST};

/// Which `Host` headers are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptedHosts {
    /// The names and addresses of the loopback interface.
    Loopback,
    /// Any: other machines may call, or the operator listed the allowed origins.
    Any,
}

const MISDIRECTED_REQUEST: &str = concat!(
    r#"{"type":"urn:learning-yogi:chatbot:error:invalid_request","#,
    r#""title":"Misdirected Request","status":421,"#,
    r#""detail":"This server accepts requests for localhost only. "#,
    r#"To use another host name, set CHATBOT_ALLOWED_ORIGINS.","field":"Host"}"#,
);

pub(super) async fn check_host(
    State(accepted_hosts): State<AcceptedHosts>,
    request: Request,
    next: Next,
) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if accepted_hosts == AcceptedHosts::Loopback && !host.is_some_and(is_loopback) {
        return (
            StatusCode::MISDIRECTED_REQUEST,
            [(CONTENT_TYPE, "application/problem+json")],
            MISDIRECTED_REQUEST,
        )
            .into_response();
    }
    next.run(request).await
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[track_caller]
    fn check(host: &str, expected: bool) {
        assert_eq!(is_loopback(host), expected, "{host}");
    }

    #[test]
    fn only_the_names_of_this_machine_are_loopback() {
        check("127.0.0.1:8080", true);
        check("localhost", true);
        check("LocalHost:1", true);
        check("[::1]:8080", true);
        check("127.0.0.1.example.com", false);
        check("evil.example:8080", false);
        check("localhost.evil.example", false);
        check("192.168.0.7:8080", false);
        check("", false);
    }
}
