//! How long a provider asks its callers to wait.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The longest wait that is accepted. A longer one is taken for a mistake, which would otherwise
/// block the provider for the life of the process.
const LONGEST: Duration = Duration::from_hours(1);

/// Reads `retry-after-ms`, else `retry-after` in seconds or as an HTTP date; at most an hour.
///
/// A date is compared with the response's own `date` header, so a wrong clock on this machine does
/// not matter.
/// Negative and unreadable values are ignored.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    let millis = number(headers, "retry-after-ms").map(|millis| millis / 1000.0);
    let seconds = || number(headers, RETRY_AFTER.as_str());
    let wait = millis
        .and_then(span)
        .or_else(|| seconds().and_then(span))
        .or_else(|| until_date(headers))?;
    Some(wait.min(LONGEST))
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    text(headers, name)?.parse().ok()
}

fn span(seconds: f64) -> Option<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST))
}

fn until_date(headers: &HeaderMap) -> Option<Duration> {
    let date = |name: &str| httpdate::parse_http_date(text(headers, name)?).ok();
    date(RETRY_AFTER.as_str())?.duration_since(date(DATE.as_str())?).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], expected: Option<u64>) {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        assert_eq!(read(&pairs.collect()), expected.map(Duration::from_millis), "{headers:?}");
    }

    #[test]
    fn milliseconds_win_over_seconds() {
        check(&[("retry-after-ms", "250"), ("retry-after", "9")], Some(250));
        check(&[("retry-after-ms", "soon"), ("retry-after", "9")], Some(9_000));
        check(&[("retry-after", "1.5")], Some(1_500));
        check(&[("retry-after", " 0 ")], Some(0));
        check(&[], None);
    }

    #[test]
    fn a_date_counts_from_the_responses_own_date() {
        let date = ("date", "Mon, 23 Nov 2026 10:00:00 GMT");
        check(&[date, ("retry-after", "Mon, 23 Nov 2026 10:00:07 GMT")], Some(7_000));
        check(&[date, ("retry-after", "Mon, 23 Nov 2026 09:59:00 GMT")], None);
        check(&[("retry-after", "Mon, 23 Nov 2026 10:00:07 GMT")], None);
    }

    #[test]
    fn negative_and_absurd_waits_are_tamed() {
        check(&[("retry-after", "-5")], None);
        check(&[("retry-after-ms", "-5"), ("retry-after", "2")], Some(2_000));
        check(&[("retry-after", "NaN")], None);
        check(&[("retry-after", "86400")], Some(3_600_000));
        check(&[("retry-after", "1e300")], Some(3_600_000));
        check(&[("retry-after", "inf")], Some(3_600_000));
    }
}
