//! Turn numbers and generations.

use serde::{Deserialize, Serialize};

/// The reason why a number is not a turn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to 9999999999")]
pub struct TurnNumberError;

/// The number of a turn in its session, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct TurnNumber(u64);

impl TurnNumber {
    /// The first turn of a session.
    pub const FIRST: Self = Self(1);

    /// Parses a turn number.
    pub fn parse(number: u64) -> Result<Self, TurnNumberError> {
        (1..=9_999_999_999).contains(&number).then_some(Self(number)).ok_or(TurnNumberError)
    }

    /// Returns the number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// Returns the turn after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the turn before this one, if there is one.
    pub fn previous(self) -> Option<Self> {
        (self.0 > 1).then(|| Self(self.0 - 1))
    }
}

impl TryFrom<u64> for TurnNumber {
    type Error = TurnNumberError;
    fn try_from(number: u64) -> Result<Self, TurnNumberError> {
        Self::parse(number)
    }
}

impl From<TurnNumber> for u64 {
    fn from(turn: TurnNumber) -> Self {
        turn.0
    }
}

impl std::fmt::Display for TurnNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a generation of a turn, from 1: the fence against older workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The first generation of a turn.
    pub const FIRST: Self = Self(1);

    /// Returns the generation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
