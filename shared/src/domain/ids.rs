//! Identifiers that clients and documents choose.

use serde::{Deserialize, Serialize};

/// The reason why a string is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The string is empty or longer than the type allows.
    #[error("must have 1 to {max} characters")]
    Length {
        /// The largest number of characters allowed.
        max: usize,
    },
    /// A character outside `[A-Za-z0-9._:-]`.
    #[error("may hold only letters, digits and the characters . _ : -")]
    Character,
}

fn check(value: &str, max: usize) -> Result<(), IdError> {
    if value.is_empty() || value.len() > max {
        return Err(IdError::Length { max });
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    value.bytes().all(legal).then_some(()).ok_or(IdError::Character)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses an identifier.
            pub fn parse(value: impl Into<String>) -> Result<Self, IdError> {
                let value = value.into();
                check(&value, $max)?;
                Ok(Self(value))
            }

            /// Returns the identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(value: String) -> Result<Self, IdError> {
                Self::parse(value)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Names one conversation of one principal: 1–128 of `[A-Za-z0-9._:-]`.
    SessionId, 128
}
id! {
    /// Names one message of a session, and is its idempotency key: 1–128 of `[A-Za-z0-9._:-]`.
    MessageId, 128
}
id! {
    /// Names a document: 1–256 of `[A-Za-z0-9._:-]`.
    DocumentId, 256
}

/// Names one WebSocket connection, as its host names it (API Gateway's contain `=`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(String);

impl ConnectionId {
    /// Takes the host's name for the connection as it is.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &Result<(), IdError>) {
        assert_eq!(SessionId::parse(value).map(|_| ()), *expected);
    }

    #[test]
    fn an_id_is_one_to_128_legal_characters() {
        check("test-123", &Ok(()));
        check("a.b_c:d-E9", &Ok(()));
        check(&"x".repeat(128), &Ok(()));
        check("", &Err(IdError::Length { max: 128 }));
        check(&"x".repeat(129), &Err(IdError::Length { max: 128 }));
        check("a b", &Err(IdError::Character));
        check("a/b", &Err(IdError::Character));
        check("é", &Err(IdError::Character));
        check("a#b", &Err(IdError::Character));
    }
}
