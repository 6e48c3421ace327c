//! Where the server is.

use redis::io::tcp::TcpSettings;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisResult, TlsCertificates,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::sdk::roots;

/// A server, and what to say to it first; never a password.
#[derive(Debug, Clone)]
pub struct RedisAddress {
    info: ConnectionInfo,
    roots: Option<String>,
}

/// The reason why a URL is none of a server. It does not repeat the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It has another form.
    #[error(
        "must be redis://host:port or, with TLS, rediss://host:port; user@ may precede the host, \
        /number follow it"
    )]
    Form,
    /// It has a password in it.
    #[error(
        "must hold no password: whoever may describe the function can read its variables; \
         REPLY_CACHE_PASSWORD in the secret with the providers' keys is its place"
    )]
    Password,
}

impl RedisAddress {
    /// Reads a URL.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let url = redis::parse_redis_url(url).ok_or(AddressError::Form)?;
        if url.password().is_some() {
            return Err(AddressError::Password);
        }
        let plain = url.query().is_none() && url.fragment().is_none();
        let known = ["redis", "rediss"].contains(&url.scheme());
        if !plain || !known || url.host_str().is_none_or(str::is_empty) {
            return Err(AddressError::Form);
        }
        let info = url.into_connection_info().map_err(|_| AddressError::Form)?;
        // It would cost a round trip, and rights that a user may not have.
        let redis = info.redis_settings().clone().set_skip_set_lib_name();
        let tcp = TcpSettings::default().set_nodelay(true);
        Ok(Self { info: info.set_redis_settings(redis).set_tcp_settings(tcp), roots: None })
    }

    /// Trusts these roots, in PEM, in place of the system's.
    #[must_use]
    pub fn with_roots(mut self, roots: impl Into<String>) -> Self {
        self.roots = Some(roots.into());
        self
    }

    /// Returns a client, which is not connected.
    pub(super) fn client(&self, password: Option<&SecretString>) -> RedisResult<Client> {
        let mut info = self.info.clone();
        if let Some(password) = password {
            let redis = info.redis_settings().clone().set_password(password.expose_secret());
            info = info.set_redis_settings(redis);
        }
        if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            return Client::open(info);
        }
        // Where the system has no bundle, the roots that are compiled in.
        let roots = self.roots.clone().or_else(roots::bundle);
        Client::build_with_tls(
            info,
            TlsCertificates { client_tls: None, root_cert: roots.map(String::into_bytes) },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Result<&str, AddressError>) {
        let address = RedisAddress::parse(url).map(|address| address.info.addr().to_string());
        assert_eq!(address.as_deref().map_err(|error| *error), expected, "{url}");
    }

    #[test]
    fn a_url_says_where_the_server_is() {
        check("redis://127.0.0.1", Ok("127.0.0.1:6379"));
        check(
            "rediss://replies.abc.cache.amazonaws.com:6380/2",
            Ok("replies.abc.cache.amazonaws.com:6380"),
        );
        check("redis://[::1]:7000", Ok("::1:7000"));
        let address = RedisAddress::parse("rediss://bot@host:1/3").unwrap();
        let redis = address.info.redis_settings();
        assert_eq!((redis.username(), redis.password(), redis.db()), (Some("bot"), None, 3));
        assert!(matches!(address.info.addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
    }

    #[test]
    fn a_url_of_another_form_is_refused() {
        let urls = [
            "",
            "host:6379",
            "http://host:6379",
            "redis+unix:///run/redis.sock",
            "redis://",
            "redis:///1",
        ];
        let extras = [
            "redis://host:port",
            "redis://ho st",
            "redis://host/a",
            "rediss://host#insecure",
            "redis://h?a=b",
        ];
        for url in urls.into_iter().chain(extras) {
            check(url, Err(AddressError::Form));
        }
    }

    #[test]
    fn a_url_with_a_password_is_refused() {
        check("redis://:hunter2@host:6379", Err(AddressError::Password));
        check("rediss://bot:hunter2@host:6379", Err(AddressError::Password));
    }
}
