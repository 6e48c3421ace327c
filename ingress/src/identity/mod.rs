//! Who speaks.

mod iam;
mod jwks;
mod jwt;
mod ring_provider;
mod session_token;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use shared::domain::{Principal, Timestamp};
use shared::ports::SigningKeys;

pub use iam::IamIdentity;
pub use jwks::{HttpKeySource, KeySource, KeySourceError};
pub use jwt::JwtConfig;
pub(crate) use jwt::JwtVerifier;

use self::session_token::SessionToken;
use crate::config::AuthMode;
use crate::error::Failure;
use crate::handler::{Caller, Ingress};

/// Who speaks, and the session token that the answer hands out, if any.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) principal: Principal,
    pub(crate) session_token: Option<String>,
}

/// What becomes of a caller without credentials, where anonymous callers are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newcomer {
    /// A new principal: a call that begins something.
    Welcome,
    /// 401: a call on something that exists.
    Refused,
}

impl Ingress {
    /// Finds out who speaks.
    ///
    /// Bad credentials are a 401, never a new principal.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        caller: &Caller,
        newcomer: Newcomer,
        now: Timestamp,
    ) -> Result<Speaker, Failure> {
        match &self.config.auth {
            AuthMode::Anonymous { new_principals } => match bearer(headers)? {
                Some(token) => self.known(token, now).await,
                None if *new_principals && newcomer == Newcomer::Welcome => {
                    self.newcomer(now).await
                }
                None => Err(Failure::NoCredentials),
            },
            AuthMode::Jwt(_) => {
                let token = bearer(headers)?.ok_or(Failure::NoCredentials)?;
                let verifier = self
                    .jwt
                    .as_ref()
                    .ok_or_else(|| Failure::unavailable("no source of JWT keys"))?;
                Ok(Speaker { principal: verifier.verify(token, now).await?, session_token: None })
            }
            AuthMode::Iam => {
                let identity = caller.iam.as_ref().ok_or(Failure::NoCredentials)?;
                let principal = identity.principal().ok_or(Failure::BadCredentials)?;
                Ok(Speaker { principal, session_token: None })
            }
        }
    }

    async fn newcomer(&self, now: Timestamp) -> Result<Speaker, Failure> {
        let keys = self.ports.secrets.signing_keys().await?;
        let principal = Principal::anonymous(self.ports.ids.random());
        let text = session_token(principal.clone(), &keys, now)
            .ok_or_else(|| Failure::unavailable("no signing key"))?;
        Ok(Speaker { principal, session_token: Some(text) })
    }

    async fn known(&self, text: &str, now: Timestamp) -> Result<Speaker, Failure> {
        let keys = self.ports.secrets.signing_keys().await?;
        let (token, newest_key) =
            SessionToken::open(text, &keys, now).ok_or(Failure::BadCredentials)?;
        let renewed = token.renewed(newest_key, now).and_then(|token| token.seal(&keys));
        Ok(Speaker { principal: token.principal, session_token: renewed })
    }
}

/// Writes the first session token of a principal.
pub(crate) fn session_token(
    principal: Principal,
    keys: &SigningKeys,
    now: Timestamp,
) -> Option<String> {
    SessionToken::first(principal, now).seal(keys)
}

/// Returns the bearer token; anything else in the header is a 401.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().map_err(|_| Failure::BadCredentials)?;
    let (scheme, token) = text.split_once(' ').ok_or(Failure::BadCredentials)?;
    let good = scheme.eq_ignore_ascii_case("bearer") && values.next().is_none();
    good.then(|| Some(token.trim())).ok_or(Failure::BadCredentials)
}
