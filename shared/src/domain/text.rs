//! The text of a message.

use serde::{Deserialize, Serialize};

/// The largest message, in Unicode code points.
pub const MAX_MESSAGE_CODE_POINTS: usize = 16_000;

/// The reason why a text is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The text is empty.
    #[error("must not be empty")]
    Empty,
    /// The text has more than [`MAX_MESSAGE_CODE_POINTS`].
    #[error("must have at most {MAX_MESSAGE_CODE_POINTS} characters")]
    TooLong,
    /// The text holds a character that no queue carries.
    #[error("holds the character U+{0:04X}, which is not allowed")]
    Illegal(u32),
}

/// What the user sent: 1–16,000 code points, none of which SQS refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageText(String);

impl MessageText {
    /// Parses a message.
    pub fn parse(value: impl Into<String>) -> Result<Self, TextError> {
        let value = value.into();
        if value.is_empty() {
            return Err(TextError::Empty);
        }
        if value.chars().count() > MAX_MESSAGE_CODE_POINTS {
            return Err(TextError::TooLong);
        }
        match value.chars().find(|character| !is_legal(*character)) {
            Some(character) => Err(TextError::Illegal(character.into())),
            None => Ok(Self(value)),
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Counts the text's code points.
    pub fn code_points(&self) -> usize {
        self.0.chars().count()
    }
}

/// Tells whether SQS carries the character: the XML 1.0 set.
///
/// Source: SQS API reference, `SendMessage`.
pub fn is_legal(character: char) -> bool {
    matches!(character,
        '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Counts UTF-16 code units, the unit of every offset, as JavaScript counts.
pub fn utf16_len(text: &str) -> u64 {
    text.chars().map(|character| character.len_utf16() as u64).sum()
}

impl TryFrom<String> for MessageText {
    type Error = TextError;
    fn try_from(value: String) -> Result<Self, TextError> {
        Self::parse(value)
    }
}

impl From<MessageText> for String {
    fn from(text: MessageText) -> Self {
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &Result<(), TextError>) {
        assert_eq!(MessageText::parse(value).map(|_| ()), *expected);
    }

    #[test]
    fn a_message_is_one_to_16000_code_points_that_sqs_carries() {
        check("a", &Ok(()));
        check(&"🎈".repeat(16_000), &Ok(()));
        check("line\nline\ttab\r", &Ok(()));
        check("", &Err(TextError::Empty));
        check(&"é".repeat(16_001), &Err(TextError::TooLong));
        check("a\u{0}b", &Err(TextError::Illegal(0)));
        check("a\u{FFFE}b", &Err(TextError::Illegal(0xFFFE)));
        check("\u{1B}", &Err(TextError::Illegal(0x1B)));
    }

    #[test]
    fn lengths_are_counted_as_javascript_counts() {
        assert_eq!(utf16_len("aé🎈"), 4);
    }
}
