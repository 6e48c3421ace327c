//! Authentication: who calls.

mod iam;
mod jwks;
mod jwt;
mod ring_provider;
mod session_token;

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use shared::domain::{Principal, Timestamp};
use shared::ports::{Ids, Secrets, SigningKeys};

pub use iam::IamIdentity;
pub use jwks::{HttpKeySource, KeySource, KeySourceError};
pub use jwt::JwtConfig;

use self::jwt::JwtVerifier;
use self::session_token::SessionToken;
use crate::error::ApiError;

/// Who may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthMode {
    /// Whoever holds a session token that ingress issued.
    Anonymous {
        /// Whether a client without credentials becomes a new principal.
        new_principals: bool,
    },
    /// Whoever holds a JWT of the configured issuer.
    Jwt(JwtConfig),
    /// Whoever IAM lets in.
    Iam,
}

/// Who calls, and the session token that the answer hands out, if any.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) session_token: Option<String>,
    /// Whether the principal was created by this call.
    pub(crate) is_new: bool,
}

/// What becomes of a client without credentials, where anonymous callers are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnonymousPolicy {
    /// A new principal: a call that begins something.
    Allow,
    /// 401: a call on something that exists.
    Reject,
}

/// Finds out who calls, by the configured mode.
pub(crate) struct Authenticator {
    mode: AuthMode,
    jwt: Option<JwtVerifier>,
    secrets: Arc<dyn Secrets>,
    ids: Arc<dyn Ids>,
}

impl Authenticator {
    /// Makes an authenticator; `jwt_keys` is needed where callers have JWTs.
    pub(crate) fn new(
        mode: AuthMode,
        jwt_keys: Option<&Arc<dyn KeySource>>,
        secrets: Arc<dyn Secrets>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        let jwt = match (&mode, jwt_keys) {
            (AuthMode::Jwt(jwt), Some(source)) => {
                Some(JwtVerifier::new(jwt.clone(), Arc::clone(source)))
            }
            _ => None,
        };
        Self { mode, jwt, secrets, ids }
    }

    /// Returns the caller of a request with these headers.
    ///
    /// Bad credentials are a 401, never a new principal.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        iam: Option<&IamIdentity>,
        anonymous: AnonymousPolicy,
        now: Timestamp,
    ) -> Result<Caller, ApiError> {
        match &self.mode {
            AuthMode::Anonymous { new_principals } => match bearer(headers)? {
                Some(token) => self.with_session_token(token, now).await,
                None if *new_principals && anonymous == AnonymousPolicy::Allow => {
                    self.new_anonymous(now).await
                }
                None => Err(ApiError::NoCredentials),
            },
            AuthMode::Jwt(_) => {
                let token = bearer(headers)?.ok_or(ApiError::NoCredentials)?;
                let verifier = self
                    .jwt
                    .as_ref()
                    .ok_or_else(|| ApiError::unavailable("no source of JWT keys"))?;
                let principal = verifier.verify(token, now).await?;
                Ok(Caller { principal, session_token: None, is_new: false })
            }
            AuthMode::Iam => {
                let identity = iam.ok_or(ApiError::NoCredentials)?;
                let principal = identity.principal().ok_or(ApiError::BadCredentials)?;
                Ok(Caller { principal, session_token: None, is_new: false })
            }
        }
    }

    async fn new_anonymous(&self, now: Timestamp) -> Result<Caller, ApiError> {
        let keys = self.secrets.signing_keys().await?;
        let principal = Principal::anonymous(self.ids.random());
        let text = session_token(principal.clone(), &keys, now)
            .ok_or_else(|| ApiError::unavailable("no signing key"))?;
        Ok(Caller { principal, session_token: Some(text), is_new: true })
    }

    async fn with_session_token(&self, text: &str, now: Timestamp) -> Result<Caller, ApiError> {
        let keys = self.secrets.signing_keys().await?;
        let (token, newest_key) =
            SessionToken::open(text, &keys, now).ok_or(ApiError::BadCredentials)?;
        let renewed = token.renewed(newest_key, now).and_then(|token| token.seal(&keys));
        Ok(Caller { principal: token.principal, session_token: renewed, is_new: false })
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
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().map_err(|_| ApiError::BadCredentials)?;
    let (scheme, token) = text.split_once(' ').ok_or(ApiError::BadCredentials)?;
    let good = scheme.eq_ignore_ascii_case("bearer") && values.next().is_none();
    good.then(|| Some(token.trim())).ok_or(ApiError::BadCredentials)
}
