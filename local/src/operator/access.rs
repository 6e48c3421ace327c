//! Access control for operator calls.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use shared::domain::ErrorCode;

use super::Operator;
use super::response::Problem;
use crate::web::ClientAddress;

/// The header in which browsers say which site a request comes from.
const FETCH_SITE: &str = "sec-fetch-site";
/// Paths with statistics only, without user data.
const OPEN_PATHS: [&str; 3] = ["/metrics", "/admin/api/status", "/admin/api/stats"];
const EVENTS_PATH: &str = "/admin/api/events";

/// Allows a call or rejects it: 403 for a page of another site, 401 without the token.
pub(super) async fn check(
    State(operator): State<Arc<Operator>>,
    Extension(caller): Extension<ClientAddress>,
    request: Request,
    next: Next,
) -> Response {
    if is_cross_site(request.headers()) {
        let detail = "Pages of other sites may not make operator calls.";
        return Problem::new(StatusCode::FORBIDDEN, ErrorCode::Unauthorized, detail)
            .into_response();
    }
    let is_local = operator.is_private && caller.is_local();
    if (is_local && operator.needs_no_token(&request)) || operator.has_token(request.headers()) {
        return next.run(request).await;
    }
    let detail = "This call requires the operator token: the value of CHATBOT_OPERATOR_TOKEN, or \
        the content of operator.token in the data directory.";
    let mut refused =
        Problem::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, detail).into_response();
    refused
        .headers_mut()
        .insert(http::header::WWW_AUTHENTICATE, http::HeaderValue::from_static("Bearer"));
    refused
}

impl Operator {
    fn needs_no_token(&self, request: &Request) -> bool {
        let path = request.uri().path();
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        reads && (OPEN_PATHS.contains(&path) || (path == EVENTS_PATH && !self.has_texts))
    }

    /// Compares hashes rather than the tokens, so that the duration reveals nothing about the
    /// token.
    fn has_token(&self, headers: &HeaderMap) -> bool {
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

/// Browsers send the header themselves; other programs send none, and need the token.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get(FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none")
}
