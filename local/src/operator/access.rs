//! Who may make an operator call.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use shared::domain::ErrorCode;

use super::Operator;
use super::answer::Problem;

/// The header by which a browser says which site a request comes from.
const SITE: &str = "sec-fetch-site";
/// Figures without anybody's words.
const FIGURES: [&str; 3] = ["/metrics", "/admin/api/status", "/admin/api/stats"];
const EVENTS: &str = "/admin/api/events";

/// Lets a call through, or refuses it: 403 for another site's page, 401 without the token.
pub(super) async fn check(
    State(operator): State<Arc<Operator>>,
    ConnectInfo(caller): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if is_from_elsewhere(request.headers()) {
        let detail = "Pages of other sites may not make operator calls.";
        return Problem::new(StatusCode::FORBIDDEN, ErrorCode::Unauthorized, detail)
            .into_response();
    }
    let here = operator.is_private && caller.ip().is_loopback();
    if (here && operator.is_open(&request)) || operator.is_known(request.headers()) {
        return next.run(request).await;
    }
    let detail = "This call needs the operator token: CHATBOT_OPERATOR_TOKEN, or the one in the \
        data directory.";
    let mut refused =
        Problem::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, detail).into_response();
    refused
        .headers_mut()
        .insert(http::header::WWW_AUTHENTICATE, http::HeaderValue::from_static("Bearer"));
    refused
}

impl Operator {
    fn is_open(&self, request: &Request) -> bool {
        let path = request.uri().path();
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        reads && (FIGURES.contains(&path) || (path == EVENTS && !self.has_texts))
    }

    /// Compares hashes, so that the time it takes tells nothing of the token.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        token.is_some_and(|(_, token)| {
            Sha256::digest(token.trim().as_bytes())
                == Sha256::digest(self.token.expose_secret().as_bytes())
        })
    }
}

/// A browser says so itself; programs that are none say nothing.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get(SITE).is_some_and(|site| site != "same-origin" && site != "none")
}
