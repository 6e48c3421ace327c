//! Parses times and periods.

use std::time::Duration;

use shared::domain::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::exit::usage;

/// Parses a point in time: a duration before now (`90m`, `24h`, `7d`), a day, or an RFC 3339 time.
pub(crate) fn point(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    parse(text, now).ok_or_else(|| {
        usage(format!(
            "{text:?} is not a time: use a duration before now (90m, 24h, 7d), a day (2026-11-27) \
            or a time (2026-11-27T08:00:00Z)"
        ))
    })
}

/// Parses `FROM..TO`, or a single point in time from which the period lasts until now; `None` for
/// anything else.
pub(crate) fn span(text: &str, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    match text.split_once("..") {
        Some((from, to)) => {
            Some((parse(from, now)?, if to.is_empty() { now } else { parse(to, now)? }))
        }
        None => Some((parse(text, now)?, now)),
    }
}

fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(back) = back(text) {
        return Some(now.minus(back));
    }
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp);
    }
    let day = OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339).ok()?;
    Some(Timestamp(day.unix_timestamp() * 1_000))
}

fn back(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them() {
        let now = Timestamp(10_000_000_000);
        assert_eq!(parse("90m", now), Some(Timestamp(10_000_000_000 - 5_400_000)));
        assert_eq!(parse("1970-01-02", now), Some(Timestamp(86_400_000)));
        assert_eq!(parse("1970-01-01T00:00:01.5Z", now), Some(Timestamp(1_500)));
        assert_eq!(
            span("1970-01-02..1970-01-03", now),
            Some((Timestamp(86_400_000), Timestamp(172_800_000)))
        );
        assert_eq!(span("1970-01-02..", now), Some((Timestamp(86_400_000), now)));
        for wrong in ["", "h", "-1h", "yesterday", "file.jsonl", "99999999999999999999h", "é"] {
            assert_eq!(parse(wrong, now), None, "{wrong}");
        }
    }
}
