//! The terms by which texts are compared: stems of words, and groups of four characters.

use std::collections::HashMap;
use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};

/// The longest term, in bytes. Longer words are cut: text is untrusted, and each term is a key in a
/// database.
pub const MAX_TERM_BYTES: usize = 64;

/// The number of characters in a group.
const GROUP: usize = 4;
/// What a group's term begins with, so that it never equals a stem.
const GROUP_MARK: char = '~';

static ENGLISH: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::new(Algorithm::English));
static GERMAN: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::new(Algorithm::German));

/// Calls `each` with every term of `text`, in order and with repetitions.
///
/// A word yields its English stem, its German stem where that differs, and all groups of four
/// characters in it. The stems find other forms of the same word; the groups find compounds
/// ("Schulbus" in "Schulbusfahrplan"), misspellings, and words of languages without a stemmer here.
/// In scripts without spaces, each character and each pair of neighbours is a term.
pub fn for_each_term(text: &str, mut each: impl FnMut(&str)) {
    for word in words(text) {
        for_each_term_of_word(word, &mut each);
    }
}

/// Calls `each` with every term of one of the [`words`] of a text.
pub(crate) fn for_each_term_of_word(word: &str, mut each: impl FnMut(&str)) {
    let mut buffer = String::new();
    let lower = word.to_lowercase();
    let lower = lower.as_str();
    if lower.chars().next().is_some_and(is_unspaced) {
        unspaced(lower, &mut buffer, &mut each);
        return;
    }
    let word = &lower[..lower.floor_char_boundary(MAX_TERM_BYTES)];
    let english = ENGLISH.stem(word);
    each(&english);
    let german = GERMAN.stem(word);
    if german != english {
        each(&german);
    }
    groups(word, &mut buffer, &mut each);
}

/// Tells whether a term is a group of characters, and not a stem.
pub(crate) fn is_group(term: &str) -> bool {
    term.starts_with(GROUP_MARK)
}

fn groups(word: &str, buffer: &mut String, each: &mut impl FnMut(&str)) {
    let starts = word.char_indices().map(|(at, _)| at);
    let ends = word.char_indices().map(|(at, _)| at).skip(GROUP).chain([word.len()]);
    if word.chars().nth(GROUP).is_none() {
        return;
    }
    for (start, end) in starts.zip(ends) {
        buffer.clear();
        buffer.push(GROUP_MARK);
        buffer.push_str(&word[start..end]);
        each(buffer);
    }
}

fn unspaced(text: &str, buffer: &mut String, each: &mut impl FnMut(&str)) {
    let mut previous = None;
    for c in text.chars() {
        buffer.clear();
        buffer.push(c);
        each(buffer);
        if let Some(previous) = previous.replace(c) {
            buffer.insert(0, previous);
            each(buffer);
        }
    }
}

/// Cuts `text` at everything that is no letter and no digit, and between scripts with and without
/// spaces. A time or a decimal number stays one word.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(char::is_alphanumeric)?;
        let word_and_rest = &rest[start..];
        let word;
        (word, rest) = word_and_rest.split_at(word_length(word_and_rest));
        Some(word)
    })
}

/// Measures the word that `text` begins with, in bytes.
fn word_length(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    let unspaced = text.chars().next().is_some_and(is_unspaced);
    let mut previous = '\0';
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or('\0', |&(_, next)| next);
        let inside = c.is_alphanumeric() && is_unspaced(c) == unspaced;
        if !inside && !joins(previous, c, next) {
            return at;
        }
        previous = c;
    }
    text.len()
}

/// Keeps a time and a decimal number in one word.
fn joins(before: char, c: char, after: char) -> bool {
    matches!(c, ':' | '.' | ',') && before.is_numeric() && after.is_numeric()
}

/// Tells the scripts that put no spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// The terms of a text with their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bag {
    /// How often each term occurs.
    pub counts: HashMap<Box<str>, u32>,
    /// How many terms there are, with repetitions.
    pub length: u32,
}

impl Bag {
    /// Adds the terms of a text.
    pub fn add(&mut self, text: &str) {
        for_each_term(text, |term| {
            self.length += 1;
            if let Some(count) = self.counts.get_mut(term) {
                *count += 1;
            } else {
                self.counts.insert(term.into(), 1);
            }
        });
    }
}

impl Bag {
    /// Returns the terms by which a passage is found: those of its document's title, of its
    /// headings and of its text.
    pub fn of_passage(title: &str, headings: &[String], text: &str) -> Self {
        let mut bag = Self::default();
        bag.add(title);
        for heading in headings {
            bag.add(heading);
        }
        bag.add(text);
        bag
    }
}
