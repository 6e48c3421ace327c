//! Which pages of other origins may call.

use std::net::IpAddr;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HOST,
    ORIGIN, VARY,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue};

const ALLOWED_HEADERS: &str = "Authorization, Content-Type, Idempotency-Key";
const EXPOSED_HEADERS: &str = "Location, Retry-After";

/// Which pages of other origins may call, and open sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Any page of a loopback address, and the page of the host that was called.
    Loopback,
    /// Exactly these.
    Exact(Vec<String>),
}

impl AllowedOrigins {
    /// Tells whether a page of this origin may call the host that it called.
    ///
    /// `null` (a sandboxed frame, a file) never may: every such page has the same name.
    pub fn admit(&self, origin: &str, host: Option<&str>) -> bool {
        match self {
            Self::Exact(origins) => origins.iter().any(|allowed| allowed == origin),
            Self::Loopback => authority(origin).is_some_and(|page| {
                is_loopback(page.host())
                    || host.is_some_and(|host| host.eq_ignore_ascii_case(page.as_str()))
            }),
        }
    }
}

/// Adds what a browser needs to hand the answer to a page, if the page may have it.
pub(crate) fn allow(origins: &AllowedOrigins, request: &HeaderMap, answer: &mut HeaderMap) {
    answer.insert(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = request.get(ORIGIN) else { return };
    let host = request.get(HOST).and_then(|host| host.to_str().ok());
    if origin.to_str().is_ok_and(|origin| origins.admit(origin, host)) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    }
}

/// Adds the answer to a preflight: the methods of the path, and the headers that clients need.
pub(crate) fn preflight(methods: &'static str, request: &HeaderMap, answer: &mut HeaderMap) {
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if let Ok(headers) = HeaderValue::from_str(&allowed_headers(request)) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers);
    }
}

/// Lists the allowed headers. Browsers know no `X-Amz-*`, so the ones asked for are named.
fn allowed_headers(request: &HeaderMap) -> String {
    let asked = request
        .get(ACCESS_CONTROL_REQUEST_HEADERS)
        .and_then(|names| names.to_str().ok())
        .unwrap_or_default();
    let amazon = asked.split(',').map(str::trim).filter(|name| {
        let legal = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        legal && name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"))
    });
    std::iter::once(ALLOWED_HEADERS).chain(amazon).collect::<Vec<_>>().join(", ")
}

/// Tells whether a host name or address is the machine's own.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn authority(origin: &str) -> Option<Authority> {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))?;
    rest.parse().ok().filter(|authority: &Authority| !authority.as_str().contains('@'))
}
