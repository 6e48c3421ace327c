//! Who is let in.
//!
//! Operators prove themselves by their token. On a server that only this machine can reach, figures without
//! anybody's words are for everybody on it.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use super::answer::Problem;
use super::{Operator, Peer, Shared};
use crate::host::Names;

pub(super) async fn guard(State(operator): Shared, peer: Peer, request: Request, next: Next) -> Response {
    match check(&operator, peer, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => axum::response::IntoResponse::into_response(problem),
    }
}

fn check(operator: &Operator, peer: Peer, request: &Request) -> Result<(), Problem> {
    // A page from elsewhere may make a browser call, with the right of whoever sits before it.
    let site = request.headers().get("sec-fetch-site").map(|site| site.as_bytes().to_vec());
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return Err(Problem::new(StatusCode::FORBIDDEN, "unauthorized", "The call comes from another site."));
    }
    match bearer(request.headers()) {
        Some(given) if operator.token.is(given) => Ok(()),
        Some(_) => Err(Problem::unauthorized("The operator token is not the server's.")),
        None if is_open(operator, peer, request.uri().path()) => Ok(()),
        None => Err(Problem::unauthorized("This call needs an Authorization header with the operator token.")),
    }
}

fn is_open(operator: &Operator, peer: Peer, path: &str) -> bool {
    let only_here = operator.names == Names::Loopback && peer.0.ip().to_canonical().is_loopback();
    let wordless = match path {
        "/admin/api/status" | "/metrics" => true,
        "/admin/api/events" => !operator.analytics_text,
        _ => false,
    };
    only_here && wordless
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().unwrap_or_default();
    Some(
        value
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map_or("", |(_, token)| token),
    )
}
