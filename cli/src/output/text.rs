//! Formats amounts and texts for people.

use std::time::Duration;

use shared::domain::{MicroUsd, Timestamp};

/// Returns a text without control characters, which untrusted text could send to the terminal.
pub(crate) fn clean(text: &str) -> String {
    let harmless = |c: char| if c.is_control() || is_direction(c) { '\u{FFFD}' } else { c };
    text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { harmless(c) }).collect()
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Returns a clean text of at most `most` characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let clean = clean(text);
    if clean.chars().count() <= most {
        return clean;
    }
    let kept: String = clean.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Returns the beginning of a key, enough to tell it from others.
pub(crate) fn short(key: &str) -> String {
    key.chars().take(10).collect()
}

/// Writes bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |place: u8| char::from(DIGITS[usize::from(place)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Writes a whole number with commas: 12,345.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes money: $0.000123, $0.0456, $12.35.
pub(crate) fn money(cost: MicroUsd) -> String {
    let sign = if cost.0 < 0 { "-" } else { "" };
    let micro = cost.0.unsigned_abs();
    let whole = micro / 1_000_000;
    let rest = micro % 1_000_000;
    match micro {
        0 => "$0".to_owned(),
        1..10_000 => format!("{sign}${whole}.{rest:06}"),
        10_000..1_000_000 => format!("{sign}${whole}.{:04}", rest / 100),
        _ => format!("{sign}${}.{:02}", count(whole), rest / 10_000),
    }
}

/// Writes a span: 12 ms, 3.4 s, 2 min 5 s, 3 h 2 min, 4 d 1 h.
pub(crate) fn millis(ms: u64) -> String {
    let seconds = ms / 1_000;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{seconds}.{} s", ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600_000..86_400_000 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Writes how long ago something was.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let since: Duration = now.since(then);
    format!("{} ago", millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
}

/// Writes a size: 512 B, 3.4 KB, 12.0 MB.
pub(crate) fn bytes(size: u64) -> String {
    let (unit, name) = match size {
        0..1_000 => return format!("{size} B"),
        1_000..1_000_000 => (1_000, "KB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{}.{} {name}", size / unit, size % unit * 10 / unit)
}

/// Writes a share of a whole in percent.
pub(crate) fn share(part: u64, whole: u64) -> String {
    let promille = part.saturating_mul(1_000).checked_div(whole).unwrap_or(0);
    format!("{}.{} %", promille / 10, promille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_cannot_control_the_terminal() {
        assert_eq!(clean("a\u{1B}[31mb\nc\u{202E}d"), "a\u{FFFD}[31mb c\u{FFFD}d");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("äöü", 3), "äöü");
    }

    #[test]
    fn amounts_are_written_for_people() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let amounts = [0, 123, 45_678, 12_345_678, -5].map(|micro| money(MicroUsd(micro)));
        assert_eq!(amounts, ["$0", "$0.000123", "$0.0456", "$12.34", "-$0.000005"]);
        let spans = [12, 3_450, 125_000, 10_920_000, 349_200_000].map(millis);
        assert_eq!(spans, ["12 ms", "3.4 s", "2 min 5 s", "3 h 2 min", "4 d 1 h"]);
        assert_eq!([512, 3_400, 12_000_000].map(bytes), ["512 B", "3.4 KB", "12.0 MB"]);
        assert_eq!(share(1, 3), "33.3 %");
        assert_eq!(share(0, 0), "0.0 %");
    }
}
