//! Points in time.

use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A point in time, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Moment(OffsetDateTime);

/// A text that is no point in time.
#[derive(Debug, thiserror::Error)]
#[error("not RFC 3339")]
pub struct NotRfc3339;

impl TryFrom<String> for Moment {
    type Error = NotRfc3339;

    fn try_from(text: String) -> Result<Self, NotRfc3339> {
        // `time` takes a space for the `T`, which the grammar does not.
        let time = OffsetDateTime::parse(&text, &Rfc3339).ok().filter(|_| !text.contains(' '));
        // Around the years 0 and 9999 there may be no such time in UTC.
        time.and_then(|time| time.checked_to_offset(UtcOffset::UTC)).map(Self).ok_or(NotRfc3339)
    }
}

impl Moment {
    /// Returns the day in UTC, such as `2026-11-27`.
    pub fn day(self) -> String {
        self.0.date().to_string()
    }

    /// Returns the milliseconds since the Unix epoch: as exact as all languages have it.
    pub fn millis(self) -> i128 {
        self.0.unix_timestamp_nanos().div_euclid(1_000_000)
    }
}
