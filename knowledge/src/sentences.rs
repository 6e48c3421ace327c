//! Cuts a passage into sentences.

/// The longest sentence, in code points; a longer one is cut at a space where it can.
const MAX_SENTENCE_CHARS: usize = 300;
/// Abbreviations, behind whose full stop a sentence goes on.
const ABBREVIATIONS: &[&str] = &[
    "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Jr", "Sr", "No", "Nr", "vs", "etc", "ca", "bzw", "z.B",
    "d.h", "e.g", "i.e", "Fr", "Hr", "Tel", "Str", "approx", "inkl", "ggf", "usw",
];

/// Cuts a passage into sentences, which together are the whole passage.
///
/// A line's end ends a sentence; so do `.`, `!`, `?` and their relatives before a space and no
/// lower-case letter, unless an abbreviation or a number stands before the full stop. Blanks belong
/// to the sentence before them.
pub fn sentences(passage: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut rest = passage;
    while !rest.is_empty() {
        let (sentence, after) = rest.split_at(sentence_length(rest));
        sentences.push(sentence);
        rest = after;
    }
    sentences
}

fn sentence_length(text: &str) -> usize {
    let limit = text.char_indices().nth(MAX_SENTENCE_CHARS).map_or(text.len(), |(end, _)| end);
    let mut last_space = None;
    let mut has_words = false;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if at >= limit {
            return last_space.unwrap_or(at);
        }
        has_words |= c.is_alphanumeric();
        let ends = match c {
            '\n' | '。' | '！' | '？' => has_words,
            '.' | '!' | '?' => has_words && ends_here(&text[..at], c, &text[end..]),
            _ => false,
        };
        if ends {
            return text.len() - text[end..].trim_start().len();
        }
        if c == ' ' {
            last_space = Some(end);
        }
    }
    text.len()
}

fn ends_here(before: &str, mark: char, after: &str) -> bool {
    if !after.starts_with([' ', '\n', '\r', '\t']) {
        return after.is_empty();
    }
    let next = after.trim_start().chars().next();
    if next.is_none_or(char::is_lowercase) {
        return next.is_none();
    }
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or("");
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    let is_ordinal = word.len() <= 2 && word.chars().all(|c| c.is_ascii_digit());
    mark != '.' || !(ABBREVIATIONS.contains(&word) || is_initial || is_ordinal)
}
