//! Points in time.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the point `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// Returns the point `span` earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// Returns how long ago `earlier` was, zero if it is later (clocks are skewed).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Formats the point as RFC 3339 in UTC, such as `2026-11-23T06:11:00.123Z`.
    pub fn to_rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok())
            .unwrap_or_default()
    }

    /// Formats the UTC day, such as `2026-11-23`.
    pub fn utc_day(self) -> String {
        self.to_rfc3339().chars().take(10).collect()
    }
}

/// The second in which a row ends, as `DynamoDB`'s TTL counts (seconds since the Unix epoch).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExpiresAt(pub i64);

impl ExpiresAt {
    /// Returns the end of a row that lives until `at`, rounded up to the second.
    pub fn at(at: Timestamp) -> Self {
        Self(at.0.saturating_add(999).div_euclid(1000))
    }

    /// Tells whether a row with this end is absent at `now`.
    pub fn is_past(self, now: Timestamp) -> bool {
        self.0.saturating_mul(1000) <= now.0
    }

    /// Returns the end as a point in time.
    pub fn timestamp(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(1000))
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(Timestamp(0).to_rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp(1_795_414_260_123).to_rfc3339(), "2026-11-23T06:11:00.123Z");
        assert_eq!(Timestamp(1_795_414_260_123).utc_day(), "2026-11-23");
    }

    #[test]
    fn a_row_is_absent_from_the_second_in_which_it_ends() {
        let end = ExpiresAt::at(Timestamp(1_500));
        assert!(!end.is_past(Timestamp(1_999)));
        assert!(end.is_past(Timestamp(2_000)));
    }
}
