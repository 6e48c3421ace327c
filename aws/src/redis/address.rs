//! The address of the server.

use redis::io::tcp::TcpSettings;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisResult, TlsCertificates,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::sdk::roots;

/// The address of a server, with user and database but never a password.
#[derive(Debug, Clone)]
pub struct RedisAddress {
    info: ConnectionInfo,
    roots: Option<String>,
}

/// The reason why a URL is rejected. It does not quote the URL, which may contain a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedisAddressError {
    /// It is not of a supported form.
    #[error(
        "must be redis://host:port or, with TLS, rediss://host:port; optionally with user@ before \
        the host and /number after it"
    )]
    Form,
    /// It contains a password.
    #[error(
        "must not contain a password, because everybody who may describe the function can read its \
         variables; store it as REPLY_CACHE_PASSWORD in the secret with the providers' keys"
    )]
    Password,
}

impl RedisAddress {
    /// Reads a URL.
    pub fn parse(url: &str) -> Result<Self, RedisAddressError> {
        let url = redis::parse_redis_url(url).ok_or(RedisAddressError::Form)?;
        if url.password().is_some() {
            return Err(RedisAddressError::Password);
        }
        let plain = url.query().is_none() && url.fragment().is_none();
        let known = ["redis", "rediss"].contains(&url.scheme());
        if !plain || !known || url.host_str().is_none_or(str::is_empty) {
            return Err(RedisAddressError::Form);
        }
        let info = url.into_connection_info().map_err(|_| RedisAddressError::Form)?;
        // Sending the client's name would cost a round trip, and needs a permission that the user
        // may not have.
        let redis = info.redis_settings().clone().set_skip_set_lib_name();
        let tcp = TcpSettings::default().set_nodelay(true);
        Ok(Self { info: info.set_redis_settings(redis).set_tcp_settings(tcp), roots: None })
    }

    /// Trusts these root certificates, in PEM, instead of the system's.
    #[must_use]
    pub fn with_roots(mut self, roots: impl Into<String>) -> Self {
        self.roots = Some(roots.into());
        self
    }

    /// Returns a client that is not connected yet.
    pub(super) fn client(&self, password: Option<&SecretString>) -> RedisResult<Client> {
        let mut info = self.info.clone();
        if let Some(password) = password {
            let redis = info.redis_settings().clone().set_password(password.expose_secret());
            info = info.set_redis_settings(redis);
        }
        if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            return Client::open(info);
        }
        // Without a system bundle, `redis` uses the roots that are compiled in.
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
    fn check(url: &str, expected: Result<&str, RedisAddressError>) {
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
            check(url, Err(RedisAddressError::Form));
        }
    }

    #[test]
    fn a_url_with_a_password_is_refused() {
        check("redis://:hunter2@host:6379", Err(RedisAddressError::Password));
        check("rediss://bot:hunter2@host:6379", Err(RedisAddressError::Password));
    }
}
