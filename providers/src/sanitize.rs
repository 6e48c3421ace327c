//! Characters that people cannot see but models read.

use std::borrow::Cow;

/// Returns the text without invisible characters: zero-width ones, direction controls, tags, and
/// the like.
///
/// Joiners (U+200C, U+200D) stay, because emoji and words of some scripts need them; so do
/// variation selectors 15 and 16.
pub fn without_invisible(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_invisible) {
        Cow::Owned(text.chars().filter(|character| !is_invisible(*character)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{7F}'..='\u{9F}'
        | '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0D}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: &str) {
        assert_eq!(without_invisible(input), expected);
    }

    #[test]
    fn what_cannot_be_seen_is_not_told() {
        check("a\u{200B}b\u{202E}c\u{E0041}d\u{FEFF}", "abcd");
        check("plain text\nwith\ttabs", "plain text\nwith\ttabs");
        check("👩\u{200D}🏫 and ❤\u{FE0F}", "👩\u{200D}🏫 and ❤\u{FE0F}");
    }
}
