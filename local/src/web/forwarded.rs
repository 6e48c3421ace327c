//! What a reverse proxy says about its clients.
//!
//! A proxy on the same machine makes every request of the internet look local. Its headers are
//! believed only if the operator listed its address; but whoever lists none is not fooled either:
//! any of these headers makes a request one of a stranger, and so does HTTP/1.0, which only proxies
//! speak. A proxy that speaks HTTP/1.1 and adds nothing cannot be told from a local client.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{FORWARDED, HOST, VIA};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Uri, Version};
use ipnet::IpNet;

/// The prefix of the headers that proxies add.
const PREFIX: &str = "x-forwarded-";
const REAL_IP: &str = "x-real-ip";
const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDED_HOST: &str = "x-forwarded-host";

/// The proxies whose headers are believed (`CHATBOT_TRUSTED_PROXIES`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// Where a request really comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientAddress {
    /// The client's address, or that of a proxy that is not trusted.
    pub(crate) ip: IpAddr,
    /// Whether the request came through a proxy, so that a local address proves nothing.
    pub(crate) is_forwarded: bool,
}

impl ClientAddress {
    /// Tells whether the client runs on this machine.
    pub(crate) fn is_local(&self) -> bool {
        !self.is_forwarded && self.ip.is_loopback()
    }
}

impl TrustedProxies {
    /// Trusts these addresses and networks; the error is the first entry that is neither.
    pub fn parse(entries: &[String]) -> Result<Self, String> {
        let parse = |entry: &String| {
            let network = entry.parse::<IpNet>();
            network.or_else(|_| entry.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical())))
        };
        let networks = entries.iter().map(|entry| parse(entry).map_err(|_| entry.clone()));
        networks.collect::<Result<_, _>>().map(Self)
    }

    /// Tells whether the proxy at an address is trusted.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Finds the client: the last address in the chain that no trusted proxy has.
    ///
    /// Everything further to the left was written by the client itself, and may be made up.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        for hop in hops(headers).into_iter().rev() {
            if !self.trusts(client) {
                break;
            }
            let Some(hop) = hop else { break };
            client = hop;
        }
        client
    }
}

/// What the middleware needs.
#[derive(Debug, Clone, Default)]
pub(super) struct Forwarding {
    pub(super) proxies: Arc<TrustedProxies>,
    /// Whether the log has already said that a proxy is not trusted.
    pub(super) has_warned: Arc<AtomicBool>,
}

/// Finds out where a request comes from, and gives it the scheme and host that the client called.
pub(super) async fn resolve(
    State(forwarding): State<Forwarding>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = peer.ip().to_canonical();
    let is_forwarded = is_forwarded(request.version(), request.headers());
    let mut client = ClientAddress { ip: peer, is_forwarded };
    if is_forwarded && forwarding.proxies.trusts(peer) {
        client.ip = forwarding.proxies.client(peer, request.headers());
        adopt(&mut request);
    } else if is_forwarded && !forwarding.has_warned.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            %peer,
            "a request came through a proxy that is not trusted, so all its clients count as one \
            address and answers name ws:// addresses; if it is yours, list its address in \
            CHATBOT_TRUSTED_PROXIES"
        );
    }
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// Tells whether a request came through a proxy.
///
/// nginx adds no header by itself, but has long spoken HTTP/1.0 to the server behind it, which
/// browsers and `yogi` do not.
fn is_forwarded(version: Version, headers: &HeaderMap) -> bool {
    let is_proxys = |name: &str| name.starts_with(PREFIX) || name == REAL_IP;
    version == Version::HTTP_10
        || headers.contains_key(FORWARDED)
        || headers.contains_key(VIA)
        || headers.keys().any(|name| is_proxys(name.as_str()))
}

/// Takes over the scheme and the host that a trusted proxy reports.
fn adopt(request: &mut Request) {
    let headers = request.headers();
    let is_https = last(headers, FORWARDED_PROTO).is_some_and(|scheme| scheme == "https")
        || parameter(headers, "proto").any(|scheme| scheme.eq_ignore_ascii_case("https"));
    let host = last(headers, FORWARDED_HOST)
        .map(str::to_owned)
        .or_else(|| parameter(headers, "host").last())
        .filter(|host| host.parse::<Authority>().is_ok());
    if let Some(host) = host.and_then(|host| HeaderValue::try_from(host).ok()) {
        request.headers_mut().insert(HOST, host);
    }
    let authority = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let Some(authority) = authority.filter(|_| is_https).and_then(|host| host.parse().ok()) else {
        return;
    };
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(authority);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// Returns the addresses of the chain, the client's first; `None` for one that is no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let listed: Vec<_> = values(headers, FORWARDED_FOR).map(address).collect();
    if listed.is_empty() {
        return parameter(headers, "for").map(|node| address(&node)).collect();
    }
    listed
}

/// Reads an address with or without a port and brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim().trim_matches('"');
    let ip = bare.parse().or_else(|_| bare.parse::<SocketAddr>().map(|address| address.ip()));
    let ip = ip.or_else(|_| bare.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>());
    ip.ok().map(|ip| ip.to_canonical())
}

/// Returns the parts of a comma-separated header, however often it occurs.
fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn last<'a>(headers: &'a HeaderMap, name: &'a str) -> Option<&'a str> {
    values(headers, name).last()
}

/// Returns a parameter of each element of `Forwarded` (RFC 7239).
fn parameter<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = String> + 'a {
    values(headers, FORWARDED.as_str()).filter_map(move |element| {
        element.split(';').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], expected: &str) {
        let trusted = ["127.0.0.1", "10.0.0.0/8", "::1"].map(str::to_owned);
        let proxies = TrustedProxies::parse(&trusted).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let client = proxies.client("127.0.0.1".parse().unwrap(), &map);
        assert_eq!(client.to_string(), expected, "{headers:?}");
    }

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        check(&[], "127.0.0.1");
        check(&[("x-forwarded-for", "203.0.113.7")], "203.0.113.7");
        check(&[("x-forwarded-for", "1.2.3.4, 203.0.113.7, 10.1.2.3")], "203.0.113.7");
        check(&[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "203.0.113.7")], "203.0.113.7");
        check(&[("x-forwarded-for", "10.0.0.9")], "10.0.0.9");
        check(&[("x-forwarded-for", "1.2.3.4, nonsense")], "127.0.0.1");
        check(&[("x-forwarded-for", "[2001:db8::1]:443")], "2001:db8::1");
        check(&[("x-forwarded-for", "::ffff:203.0.113.7")], "203.0.113.7");
        check(&[("forwarded", "for=1.2.3.4, for=\"[2001:db8::1]:80\";proto=https")], "2001:db8::1");
    }

    #[test]
    fn an_entry_that_is_no_address_is_named() {
        assert_eq!(TrustedProxies::parse(&["proxy".to_owned()]), Err("proxy".to_owned()));
        assert!(TrustedProxies::parse(&["10.0.0.0/33".to_owned()]).is_err());
    }
}
