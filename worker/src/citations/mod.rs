//! Citations: what a model says that it took from a passage, checked before anybody sees it.
//!
//! - `marks` reads the marks that models write into their text.
//! - `verify` checks that the words of a citation stand in its passage, and chooses them where the
//!   model gave a number only.
//! - `CitedText` turns a model's pieces into text and citations.

mod marks;
mod verify;

use shared::domain::{Citation, MAX_CITATIONS, utf16_len};
use shared::ports::ModelCitation;

use self::marks::{MarkReader, Token};
use self::verify::{choose, verify};
use crate::context::NumberedSource;

/// How much of the text before a mark is compared with the passage, in bytes.
const MAX_CLAIM_BYTES: usize = 400;

/// What a model's piece becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text.
    Text(String),
    /// A citation, and the text that is its mark.
    Mark(Citation, String),
}

/// The text of one model call, on its way to the reader.
///
/// Where passages were given, a `[` and what follows is held back until it is clear whether it is a
/// mark. A mark is shown only if its passage exists and supports it: streamed and final text are
/// the same.
pub(crate) struct CitedText<'s> {
    sources: &'s [NumberedSource],
    /// None for a provider that cites by itself, whose text has no marks, and without passages.
    reader: Option<MarkReader>,
    /// The length of the text so far, in UTF-16 code units.
    offset: u64,
    cited: usize,
    /// The end of the text before the next mark.
    claim: String,
    /// Whether the claim ends with a mark: text that follows begins a new one.
    marked: bool,
}

impl<'s> CitedText<'s> {
    /// Begins a text, which may cite these passages.
    pub(crate) fn new(sources: &'s [NumberedSource], cites_by_itself: bool) -> Self {
        let reader = (!sources.is_empty() && !cites_by_itself).then(MarkReader::default);
        Self { sources, reader, offset: 0, cited: 0, claim: String::new(), marked: false }
    }

    /// Adds a piece of the model's text, and returns what can be shown.
    pub(crate) fn push(&mut self, delta: &str) -> Vec<Piece> {
        let Some(reader) = &mut self.reader else { return self.plain(delta.to_owned()) };
        let tokens = reader.push(delta);
        self.pieces(tokens)
    }

    /// Adds a citation by the provider, of the text before it.
    pub(crate) fn cite(&mut self, cited: &ModelCitation) -> Vec<Piece> {
        let citation = self.source(cited.passage).and_then(|it| verify(it, &cited.quote));
        let space = if self.claim.ends_with(char::is_whitespace) { "" } else { " " };
        citation.map(|citation| self.mark(citation, space)).unwrap_or_default()
    }

    /// Ends the text, and returns the rest of it.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        let tokens = self.reader.as_mut().map(MarkReader::finish).unwrap_or_default();
        self.pieces(tokens)
    }

    /// Returns how many bytes are held back.
    pub(crate) fn held(&self) -> usize {
        self.reader.as_ref().map_or(0, MarkReader::held)
    }

    fn pieces(&mut self, tokens: Vec<Token>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for token in tokens {
            match token {
                Token::Text(text) => pieces.extend(self.plain(text)),
                Token::Mark { space, numbers } => {
                    let mut space = space.as_str();
                    for number in numbers {
                        let source = self.source(number);
                        let citation = source.and_then(|it| choose(it, &self.claim));
                        let marks = citation.map(|citation| self.mark(citation, space));
                        if let Some(marks) = marks.filter(|marks| !marks.is_empty()) {
                            pieces.extend(marks);
                            space = "";
                        }
                    }
                }
            }
        }
        pieces
    }

    fn plain(&mut self, text: String) -> Vec<Piece> {
        if text.is_empty() {
            return Vec::new();
        }
        self.offset += utf16_len(&text);
        if self.marked && text.contains(char::is_alphanumeric) {
            self.claim.clear();
            self.marked = false;
        }
        self.claim.push_str(&text);
        let begin = self.claim.len().saturating_sub(MAX_CLAIM_BYTES);
        self.claim.drain(..self.claim.ceil_char_boundary(begin));
        vec![Piece::Text(text)]
    }

    fn source(&self, number: u32) -> Option<&'s NumberedSource> {
        self.sources.iter().find(|source| source.passage.number == number)
    }

    /// Places a citation behind the text; nothing if there are enough already.
    fn mark(&mut self, citation: Citation, space: &str) -> Vec<Piece> {
        if self.cited == MAX_CITATIONS {
            return Vec::new();
        }
        let mut pieces = self.plain(space.to_owned());
        let mark = citation.mark();
        let citation = Citation { offset: self.offset, ..citation };
        self.offset += utf16_len(&mark);
        self.cited += 1;
        self.marked = true;
        pieces.push(Piece::Mark(citation, mark));
        pieces
    }
}

#[cfg(test)]
mod tests;
