//! Reads what other servers make of a protocol: the meaning is strict, the form is not.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Parses JSON; halves of surrogate pairs, as servers write them that cut text by UTF-16 units,
/// become U+FFFD.
pub(crate) fn parse<T: DeserializeOwned>(data: &str) -> Option<T> {
    match serde_json::from_str(data) {
        Ok(value) => Some(value),
        Err(error) if error.is_data() => None,
        Err(_) => serde_json::from_str(&without_halves(data)?).ok(),
    }
}

/// Replaces the escapes of lone surrogates; `None` if there are none.
fn without_halves(data: &str) -> Option<String> {
    let mut repaired = String::with_capacity(data.len());
    let mut rest = data;
    let mut changed = false;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        repaired.push_str(before);
        let (length, replacement) = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, None),
            (Some(0xD800..=0xDFFF), _) => (6, Some("\\ufffd")),
            (Some(_), _) => (6, None),
            // The escaped character may be of any length; a backslash alone ends the text.
            (None, _) => (1 + escape.chars().nth(1).map_or(0, char::len_utf8), None),
        };
        let (escape, after) = escape.split_at(length);
        changed |= replacement.is_some();
        repaired.push_str(replacement.unwrap_or(escape));
        rest = after;
    }
    repaired.push_str(rest);
    changed.then_some(repaired)
}

/// Reads an escape such as `\ud83d` at the beginning of a text.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
    u16::from_str_radix(digits, 16).ok()
}

/// Reads a count of tokens: a whole number, also as a fraction or as text; anything else counts as
/// absent. What is only for the books never fails a reply.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is checked to be positive and small"
)]
fn whole(number: f64) -> Option<u64> {
    (0.0..1e15).contains(&number).then(|| number.round() as u64)
}

/// Reads a part of a message that should have another form; anything else counts as absent.
pub(crate) fn or_absent<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// The text of a message: a string, or a list of parts, of which only the text counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Content(pub(crate) String);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Array(parts) => parts.iter().filter_map(text_of).collect(),
            _ => String::new(),
        }))
    }
}

fn text_of(part: &Value) -> Option<&str> {
    let is_text = matches!(part["type"].as_str(), Some("text" | "output_text"));
    part.as_str().or_else(|| part["text"].as_str().filter(|_| is_text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_of_surrogate_pairs_become_replacement_characters() {
        let read = |data: &str| parse::<String>(data);
        assert_eq!(read(r#""done \ud83d\ude00""#).as_deref(), Some("done 😀"));
        assert_eq!(read(r#""done \ud83d""#).as_deref(), Some("done \u{fffd}"));
        assert_eq!(
            read(r#""\ude00\\ud83d \ud83d\ud83d\ude00""#).as_deref(),
            Some("\u{fffd}\\ud83d \u{fffd}😀")
        );
        assert_eq!(read("\"done"), None);
        assert_eq!(read("7"), None);
    }

    #[test]
    fn counts_of_odd_forms_are_read_or_left_out() {
        #[derive(Deserialize)]
        struct Counted(#[serde(deserialize_with = "count")] Option<u64>);
        let read = |data: &str| serde_json::from_str::<Counted>(data).unwrap().0;
        assert_eq!(["11", "11.0", "\"11\"", "10.6"].map(read), [Some(11); 4]);
        assert_eq!(["-35", "[]", "null", "1e99", "\"many\""].map(read), [None; 5]);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_not(text in r#"["\\ud83e0-9a-fé😀]{0,40}"#) {
            let _ = parse::<Value>(&text);
            let escaped = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(parse::<String>(&escaped), Some(text));
        }
    }
}
