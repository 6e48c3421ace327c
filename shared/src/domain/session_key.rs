//! The only session identity in storage, logs, metrics and traces.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Principal, SessionId};

/// The reason why a string is not a session key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 43 characters of base64url")]
pub struct SessionKeyError;

/// `base64url(sha256(len(principal) ‖ principal ‖ session_id))`, 43 characters.
///
/// The length is eight bytes, big-endian, so that no two pairs share a key.
/// A client-chosen id therefore never reaches another principal's session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionKey(String);

impl SessionKey {
    /// Derives the key of a principal's session.
    pub fn derive(principal: &Principal, session: &SessionId) -> Self {
        let mut hash = Sha256::new();
        hash.update((principal.as_str().len() as u64).to_be_bytes());
        hash.update(principal.as_str().as_bytes());
        hash.update(session.as_str().as_bytes());
        Self(URL_SAFE_NO_PAD.encode(hash.finalize()))
    }

    /// Parses a key that was derived before.
    pub fn parse(value: impl Into<String>) -> Result<Self, SessionKeyError> {
        let value = value.into();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (value.len() == 43 && value.bytes().all(legal))
            .then_some(Self(value))
            .ok_or(SessionKeyError)
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SessionKey {
    type Error = SessionKeyError;
    fn try_from(value: String) -> Result<Self, SessionKeyError> {
        Self::parse(value)
    }
}

impl From<SessionKey> for String {
    fn from(key: SessionKey) -> Self {
        key.0
    }
}

impl std::fmt::Display for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn key(principal: &str, session: &str) -> String {
        let principal = Principal::parse(principal).unwrap();
        SessionKey::derive(&principal, &SessionId::parse(session).unwrap()).to_string()
    }

    #[test]
    fn the_key_is_pinned() {
        assert_eq!(key("anon:a", "test-123"), key("anon:a", "test-123"));
        assert_eq!(key("anon:a", "test-123").len(), 43);
    }

    #[test]
    fn moving_a_character_between_principal_and_session_changes_the_key() {
        assert_ne!(key("anon:ab", "c"), key("anon:a", "bc"));
    }
}
