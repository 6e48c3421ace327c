//! JWTs of the configured issuer.

use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;
use shared::domain::{Principal, Timestamp};

use super::jwks::{KeyCache, KeySource};
use super::ring_provider;
use crate::error::ApiError;

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY: f64 = 60.0;
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Whose JWTs are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtConfig {
    /// The issuer, exactly as in `iss`.
    pub issuer: String,
    /// The audiences, one of which `aud` must name.
    pub audience: Vec<String>,
    /// Where the issuer's keys are.
    pub jwks_url: String,
}

/// Verifies JWTs: RS256 and ES256 only.
pub(crate) struct JwtVerifier {
    config: JwtConfig,
    keys: KeyCache,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
}

impl JwtVerifier {
    pub(crate) fn new(config: JwtConfig, source: Arc<dyn KeySource>) -> Self {
        ring_provider::install();
        Self { config, keys: KeyCache::new(source) }
    }

    /// Returns the principal that a token proves at `now`.
    pub(crate) async fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, ApiError> {
        let header = acceptable_header(token).ok_or(ApiError::BadCredentials)?;
        let key = self.keys.find(header.kid.as_deref()).await?.ok_or(ApiError::BadCredentials)?;
        self.claims(token, &header, &key)
            .filter(|claims| is_current(claims, now))
            .filter(|claims| claims.iss == self.config.issuer && !claims.sub.is_empty())
            .and_then(|claims| Principal::jwt(&claims.iss, &claims.sub).ok())
            .ok_or(ApiError::BadCredentials)
    }

    fn claims(&self, token: &str, header: &Header, key: &Jwk) -> Option<Claims> {
        if !is_meant_for(key, header.alg) {
            return None;
        }
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&self.config.audience);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are held against the clock port, not against the crate's own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        decode(token, &DecodingKey::from_jwk(key).ok()?, &validation).ok().map(|data| data.claims)
    }
}

fn acceptable_header(token: &str) -> Option<Header> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let header = decode_header(token).ok()?;
    (matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) && header.crit.is_none())
        .then_some(header)
}

/// Tells whether the issuer made the key for signatures of this kind.
fn is_meant_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let expected = match algorithm {
        Algorithm::RS256 => KeyAlgorithm::RS256,
        _ => KeyAlgorithm::ES256,
    };
    let usage = key.common.public_key_use.as_ref();
    key.common.key_algorithm.is_none_or(|stated| stated == expected)
        && usage.is_none_or(|usage| *usage == PublicKeyUse::Signature)
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in an f64")]
fn is_current(claims: &Claims, now: Timestamp) -> bool {
    let now = (now.0 / 1000) as f64;
    now < claims.exp + LEEWAY && claims.nbf.is_none_or(|nbf| nbf <= now + LEEWAY)
}
