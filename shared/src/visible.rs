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

/// Tells whether people see nothing of the text: white space and invisible characters only.
///
/// Providers refuse messages without visible text, also in the history: one of them would end
/// every later turn of its session.
pub fn is_blank(text: &str) -> bool {
    // The joiners and the two variation selectors that stay in a text show nothing by themselves,
    // and the blank pattern of Braille has no dots.
    text.chars().all(|character| {
        character.is_whitespace()
            || is_invisible(character)
            || matches!(character, '\u{200C}' | '\u{200D}' | '\u{FE0E}' | '\u{FE0F}' | '\u{2800}')
    })
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{7F}'..='\u{9F}'
        | '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0D}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}' | '\u{13430}'..='\u{13455}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: &str) {
        assert_eq!(without_invisible(input), expected);
    }

    #[test]
    fn a_text_is_blank_of_which_nothing_can_be_seen() {
        for text in ["", "\n\n", " \u{3000}\t", "\u{200B}\u{FEFF}", "\u{200D}\u{FE0F}", "\u{2800}"]
        {
            assert!(is_blank(text), "{text:?}");
        }
        for text in [".", "\n0", "👩\u{200D}🏫", "\u{301}"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_not_told() {
        check("a\u{200B}b\u{202E}c\u{E0041}d\u{FEFF}", "abcd");
        check("plain text\nwith\ttabs", "plain text\nwith\ttabs");
        check("👩\u{200D}🏫 and ❤\u{FE0F}", "👩\u{200D}🏫 and ❤\u{FE0F}");
    }
}
