//! JWTs of the configured issuer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use shared::domain::{Principal, Timestamp};

use super::jwks::{KeyCache, KeySource};
use super::ring_provider;
use crate::error::ApiError;

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY: f64 = 60.0;
/// How often the same reason is logged.
const LOG_INTERVAL: Duration = Duration::from_mins(1);
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Whose JWTs are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtConfig {
    /// The issuer, exactly as in `iss`.
    pub issuer: String,
    /// The audiences, one of which `aud` must name, or `client_id` in a token without `aud`.
    pub audience: Vec<String>,
    /// Where the issuer's keys are.
    pub jwks_url: String,
}

/// Verifies JWTs: RS256 and ES256 only.
pub(crate) struct JwtVerifier {
    config: JwtConfig,
    keys: KeyCache,
    /// When each reason was last logged.
    logged: Mutex<BTreeMap<Refusal, Timestamp>>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    /// Who asked for the token; stands for `aud` where there is none.
    #[serde(default)]
    client_id: Option<String>,
    /// What the token is for, in Cognito's tokens.
    #[serde(default)]
    token_use: Option<String>,
    #[serde(default)]
    aud: Option<Value>,
}

/// Why a token is refused. Written to the log, never to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
enum Refusal {
    #[error("it is not a JWT signed with RS256 or ES256, or is longer than 8 KB")]
    Form,
    #[error("the issuer has no signing key for it (kid and alg of its header)")]
    Key,
    #[error("its signature is wrong, or iss, sub, aud or exp is missing or malformed")]
    Signature,
    #[error("iss is not CHATBOT_JWT_ISSUER")]
    Issuer,
    #[error("neither aud nor, without one, client_id is in CHATBOT_JWT_AUDIENCE")]
    Audience,
    #[error("it has expired, or is not valid yet (exp, nbf)")]
    Time,
    #[error("sub is empty or too long")]
    Subject,
}

impl JwtVerifier {
    pub(crate) fn new(config: JwtConfig, source: Arc<dyn KeySource>) -> Self {
        ring_provider::install();
        Self { config, keys: KeyCache::new(source), logged: Mutex::default() }
    }

    /// Returns the principal that a token proves at `now`.
    pub(crate) async fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, ApiError> {
        let refuse = |refusal| {
            self.log(refusal, now);
            ApiError::BadCredentials
        };
        let header = acceptable_header(token).ok_or_else(|| refuse(Refusal::Form))?;
        let key = self.keys.find(header.kid.as_deref(), header.alg).await?;
        let key = key.ok_or_else(|| refuse(Refusal::Key))?;
        self.principal(token, &header, &key, now).map_err(refuse)
    }

    fn principal(
        &self,
        token: &str,
        header: &Header,
        key: &Jwk,
        now: Timestamp,
    ) -> Result<Principal, Refusal> {
        let claims = claims(token, header, key).ok_or(Refusal::Signature)?;
        if claims.iss != self.config.issuer {
            return Err(Refusal::Issuer);
        }
        if !self.is_for_us(&claims) {
            return Err(Refusal::Audience);
        }
        if !is_current(&claims, now) {
            return Err(Refusal::Time);
        }
        let subject = Some(&claims.sub).filter(|sub| !sub.is_empty()).ok_or(Refusal::Subject)?;
        Principal::jwt(&claims.iss, subject).map_err(|_| Refusal::Subject)
    }

    /// Tells whether the token was issued for one of the configured audiences.
    ///
    /// Cognito's access tokens have no `aud`, but name the app client in `client_id`. As in API
    /// Gateway's JWT authorizers, `client_id` counts only where `aud` is absent.
    fn is_for_us(&self, claims: &Claims) -> bool {
        let known = |name: &str| self.config.audience.iter().any(|audience| audience == name);
        match &claims.aud {
            Some(Value::String(audience)) => known(audience),
            Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).any(known),
            Some(_) => false,
            None => {
                claims.token_use.as_deref().is_none_or(|usage| usage == "access")
                    && claims.client_id.as_deref().is_some_and(known)
            }
        }
    }

    /// Logs a reason at most once in [`LOG_INTERVAL`]: anybody can send bad tokens.
    fn log(&self, refusal: Refusal, now: Timestamp) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.get(&refusal).is_some_and(|last| now < last.plus(LOG_INTERVAL)) {
            return;
        }
        logged.insert(refusal, now);
        tracing::warn!(
            reason = %refusal,
            "refused a token; further ones are not logged for a minute"
        );
    }
}

/// Verifies the signature, and reads the claims.
fn claims(token: &str, header: &Header, key: &Jwk) -> Option<Claims> {
    let mut validation = Validation::new(header.alg);
    // Issuer, audience and times are checked here, one by one: the log names the reason. Times are
    // held against the clock port, not against the crate's own clock.
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.validate_nbf = false;
    decode(token, &DecodingKey::from_jwk(key).ok()?, &validation).ok().map(|data| data.claims)
}

fn acceptable_header(token: &str) -> Option<Header> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let header = decode_header(token).ok()?;
    (matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) && header.crit.is_none())
        .then_some(header)
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in an f64")]
fn is_current(claims: &Claims, now: Timestamp) -> bool {
    let now = (now.0 / 1000) as f64;
    now < claims.exp + LEEWAY && claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY)
}
