//! Splits text into comparable words.

/// English words that carry grammar rather than content; matching one says nothing.
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "been", "before", "being", "both", "but", "by", "can", "could", "did", "do", "does", "doing",
    "during", "each", "either", "every", "few", "for", "from", "get", "got", "had", "has", "have",
    "having", "he", "her", "here", "hers", "him", "his", "how", "i", "if", "in", "into", "is",
    "it", "its", "just", "know", "let", "many", "may", "me", "might", "mine", "more", "most",
    "much", "must", "my", "need", "no", "nor", "not", "of", "off", "on", "only", "or", "other",
    "our", "ours", "out", "over", "own", "please", "say", "shall", "she", "should", "so", "some",
    "such", "take", "tell", "than", "that", "the", "their", "theirs", "them", "then", "there",
    "these", "they", "this", "those", "to", "too", "under", "until", "up", "us", "very", "want",
    "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "whose", "why",
    "will", "with", "would", "you", "your", "yours",
];

/// Calls `each` with every content word of `text`, lower-cased and in the singular.
///
/// Takes time linear in the text; the word is borrowed from a buffer that the next word reuses.
pub(super) fn for_each_word(text: &str, mut each: impl FnMut(&str)) {
    let mut word = String::new();
    for raw in split(text) {
        word.clear();
        word.extend(raw.chars().flat_map(char::to_lowercase));
        if !is_stop_word(&word) && !is_stop_word(stem(&mut word)) {
            each(&word);
        }
    }
}

/// Lists the words of `question` that name the kind of the answer: "room" in "Which room is it
/// in?".
///
/// That is the word straight behind "what", "which", "how many" or "how much".
pub(super) fn kinds_asked_for(question: &str) -> Vec<String> {
    let mut kinds = Vec::new();
    let mut asks = false;
    for raw in split(question) {
        if asks {
            for_each_word(raw, |word| kinds.push(word.to_owned()));
        }
        asks = ["what", "which", "many", "much"].iter().any(|word| raw.eq_ignore_ascii_case(word));
    }
    kinds
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// Cuts `text` at everything that cannot be inside a word.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(char::is_alphanumeric)?;
        let (word, after) = rest[start..].split_at(word_length(&rest[start..]));
        rest = after;
        Some(word)
    })
}

/// Measures the word that `text` begins with, in bytes.
fn word_length(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    let mut previous = '\0';
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or('\0', |&(_, next)| next);
        let inside = c.is_alphanumeric() || joins(previous, c, next);
        if at > 0 && (!inside || is_unspaced(c) || is_unspaced(previous)) {
            return at;
        }
        previous = c;
    }
    text.len()
}

/// Keeps a time, a decimal number and a contraction in one word.
fn joins(before: char, c: char, after: char) -> bool {
    match c {
        ':' | '.' | ',' => before.is_numeric() && after.is_numeric(),
        '\'' | '’' => before.is_alphanumeric() && after.is_alphabetic(),
        _ => false,
    }
}

/// Tells the scripts that put no spaces between words; there each character counts as a word.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// Takes the possessive and the plural off a lower-case English word.
///
/// The third person of a verb ("teaches") looks the same, and goes too.
fn stem(word: &mut String) -> &str {
    for possessive in ["'s", "’s"] {
        if word.ends_with(possessive) {
            word.truncate(word.len() - possessive.len());
        }
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    let cut = match word.len() {
        0..=3 => 0,
        _ if ends(&["ches", "shes", "sses", "xes"]) => 2,
        5.. if ends(&["ies"]) => 3,
        _ if ends(&["ss", "us", "is"]) || !ends(&["s"]) => 0,
        _ => 1,
    };
    word.truncate(word.len() - cut);
    if cut == 3 {
        word.push('y');
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let mut words = Vec::new();
        for_each_word(text, |word| words.push(word.to_owned()));
        assert_eq!(words, expected);
    }

    #[test]
    fn grammar_is_left_out() {
        assert!(STOP_WORDS.is_sorted(), "the search in it is binary");
        check("What does the class have?", &["class"]);
    }

    #[test]
    fn plurals_and_possessives_meet_the_singular() {
        check("classes class parties bus buses", &["class", "class", "party", "bus", "buse"]);
        check("9A's parents' Ms Weiss’s teaches", &["9a", "parent", "ms", "weiss", "teach"]);
    }

    #[test]
    fn a_time_is_one_word_and_a_range_is_two() {
        check("(10:50–11:40): 3.", &["10:50", "11:40", "3"]);
    }

    #[test]
    fn accents_and_unspaced_scripts_are_words_too() {
        check("École 数学。", &["école", "数", "学"]);
    }

    #[test]
    fn text_without_words_has_none() {
        check(" \u{200b}— !? …", &[]);
        check("", &[]);
    }
}
