//! Refuses requests that reached this machine under another machine's name.
//!
//! A page from elsewhere can make its own name resolve to 127.0.0.1, and then counts as the same
//! origin (DNS rebinding). A server that only this machine may reach therefore answers to this
//! machine's names only.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HOST};

/// Which names the server answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Those of the loopback interface.
    Loopback,
    /// All: other machines may call, or the operator listed the origins.
    Any,
}

const PROBLEM: &str = r#"{"type":"urn:learning-yogi:chatbot:error:invalid_request","title":"Misdirected Request","status":421,"detail":"this server answers to localhost only; for another name set CHATBOT_ALLOWED_ORIGINS","field":"Host"}"#;

pub(super) async fn guard(State(names): State<Names>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if names == Names::Loopback && !host.is_some_and(is_loopback) {
        return (
            StatusCode::MISDIRECTED_REQUEST,
            [(CONTENT_TYPE, "application/problem+json")],
            PROBLEM,
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
