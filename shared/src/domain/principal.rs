//! Who is speaking.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const MAX_BYTES: usize = 1024;

/// The reason why a string is not a principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalError {
    /// The prefix is none of `anon:`, `jwt:`, `iam:`, `op:`, or nothing follows it.
    #[error("must be anon:…, jwt:…, iam:… or op:…")]
    Kind,
    /// The text is longer than 1,024 bytes.
    #[error("is longer than {MAX_BYTES} bytes")]
    Length,
}

/// Who is speaking: `anon:<random>`, `jwt:<iss>#<sub>`, `iam:<stable id>` or `op:<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Principal(String);

impl Principal {
    /// Parses a principal.
    pub fn parse(value: impl Into<String>) -> Result<Self, PrincipalError> {
        let value = value.into();
        if value.len() > MAX_BYTES {
            return Err(PrincipalError::Length);
        }
        match value.split_once(':') {
            Some(("anon" | "jwt" | "iam" | "op", rest)) if !rest.is_empty() => Ok(Self(value)),
            _ => Err(PrincipalError::Kind),
        }
    }

    /// Makes an anonymous principal from random bytes.
    pub fn anonymous(random: [u8; 16]) -> Self {
        Self(format!("anon:{}", URL_SAFE_NO_PAD.encode(random)))
    }

    /// Makes the principal that a verified JWT names.
    pub fn jwt(issuer: &str, subject: &str) -> Result<Self, PrincipalError> {
        Self::parse(format!("jwt:{issuer}#{subject}"))
    }

    /// Tells whether this is a caller without an identity of its own: whoever holds its token.
    pub fn is_anonymous(&self) -> bool {
        self.0.starts_with("anon:")
    }

    /// Tells whether this is an operator (batch, replay, doctor), whose turns are synthetic.
    pub fn is_operator(&self) -> bool {
        self.0.starts_with("op:")
    }

    /// Returns the principal as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the SHA-256 that stands for this principal where its name must not appear.
    pub fn hash(&self) -> PrincipalHash {
        PrincipalHash(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.as_bytes())))
    }
}

impl TryFrom<String> for Principal {
    type Error = PrincipalError;
    fn try_from(value: String) -> Result<Self, PrincipalError> {
        Self::parse(value)
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.0
    }
}

/// The base64url SHA-256 of a principal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrincipalHash(String);

impl PrincipalHash {
    /// Takes a hash that was made by [`Principal::hash`] and stored.
    pub fn from_stored(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Returns the hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
