//! Session tokens: `yogi1.<payload>.<mac>`, the proof of an anonymous principal, or of an operator.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::domain::{Principal, Timestamp};
use shared::ports::SigningKeys;

use crate::signing;

const PREFIX: &str = "yogi1";
const LIFETIME: Duration = Duration::from_hours(24);
/// With less than this left, a token that is used is renewed.
const RENEW_BELOW: Duration = Duration::from_hours(23);
/// How long a principal can be renewed, from its first token.
const LONGEST: Duration = Duration::from_hours(168);

/// What a session token says. It proves the principal, not one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionToken {
    #[serde(rename = "p")]
    pub(crate) principal: Principal,
    /// When the principal's first token was issued.
    #[serde(rename = "f")]
    first: Timestamp,
    /// When this token was issued.
    #[serde(rename = "i")]
    issued_at: Timestamp,
    #[serde(rename = "e")]
    expires_at: Timestamp,
}

impl SessionToken {
    /// Makes the first token of a new principal.
    pub(crate) fn first(principal: Principal, now: Timestamp) -> Self {
        Self { principal, first: now, issued_at: now, expires_at: now.plus(LIFETIME) }
    }

    /// Writes the token.
    pub(crate) fn seal(&self, keys: &SigningKeys) -> Option<String> {
        signing::seal(PREFIX, keys, self)
    }

    /// Reads a token that is genuine and good at `now`, and tells whether the newest key signed it.
    pub(crate) fn open(text: &str, keys: &SigningKeys, now: Timestamp) -> Option<(Self, bool)> {
        let (token, newest_key) = signing::open::<Self>(PREFIX, keys, text)?;
        let ours = token.principal.is_operator() || token.principal.is_anonymous();
        (ours && now < token.expires_at).then_some((token, newest_key))
    }

    /// Returns a later token of the same principal, if this one is worth replacing.
    pub(crate) fn renewed(&self, newest_key: bool, now: Timestamp) -> Option<Self> {
        let expires_at = now.plus(LIFETIME).min(self.first.plus(LONGEST));
        let aged = self.expires_at.since(now) < RENEW_BELOW && expires_at > self.expires_at;
        (aged || !newest_key).then(|| Self {
            principal: self.principal.clone(),
            first: self.first,
            issued_at: now,
            expires_at,
        })
    }
}
