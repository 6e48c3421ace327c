//! What a reply stands on.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{DocumentId, sha256_hex};

/// The largest number of citations in a reply.
pub const MAX_CITATIONS: usize = 20;
/// The longest quote of a citation, in code points.
pub const MAX_QUOTE_CHARS: usize = 300;

/// A place in a reply that points to a passage, with the words that support it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in its mark: `[1]`.
    pub number: u32,
    /// Where the mark begins in the reply's text, in UTF-16 code units. Only these places are
    /// marks; any other `[1]` in the text is text.
    pub offset: u64,
    /// The document.
    pub document_id: DocumentId,
    /// The document's title, as untrusted as the quote.
    pub title: String,
    /// Where the document is published, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// The SHA-256 of the document's content, in hex: which version was read.
    pub version: String,
    /// The passage's place among those of that version.
    pub ordinal: u32,
    /// Where the quote begins in the document's content, in UTF-16 code units.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// The words, as they stand there, without invisible characters.
    pub quote: String,
}

/// A passage that a generation was given, and the number by which its text refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberedPassage {
    /// Its number in this generation, from 1.
    pub number: u32,
    /// The document.
    pub document_id: DocumentId,
    /// The document's title.
    pub title: String,
    /// Where the document is published, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// The SHA-256 of the document's content, in hex.
    pub version: String,
    /// The passage's place among those of that version.
    pub ordinal: u32,
    /// The headings above it, the outermost first.
    pub headings: Vec<String>,
}

/// What a reply stands on, where the documents were searched for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grounding {
    /// It cites passages.
    Cited,
    /// It cites nothing.
    None,
}

impl Citation {
    /// Returns the mark in the reply's text.
    pub fn mark(&self) -> String {
        format!("[{}]", self.number)
    }
}

impl Grounding {
    /// Returns the grounding as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cited => "cited",
            Self::None => "none",
        }
    }

    /// Returns the grounding of a reply with these citations, after a search.
    pub fn of(citations: &[Citation]) -> Self {
        if citations.is_empty() { Self::None } else { Self::Cited }
    }
}

/// Returns `text` without the marks of its citations, and without the spaces before them.
pub fn without_marks(text: &str, citations: &[Citation]) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    let mut offset = 0;
    while let Some(next) = rest.chars().next() {
        let here = citations.iter().find(|citation| citation.offset == offset);
        let mark = here.map(Citation::mark).filter(|mark| rest.starts_with(mark.as_str()));
        if let Some(mark) = mark {
            plain.truncate(plain.trim_end_matches(' ').len());
            offset += mark.len() as u64;
            rest = &rest[mark.len()..];
        } else {
            plain.push(next);
            offset += next.len_utf16() as u64;
            rest = &rest[next.len_utf8()..];
        }
    }
    plain
}

/// Returns the checksum of a reply's citations, in hex; `None` without citations.
///
/// It is the SHA-256 of `[[number, offset, document_id, version, ordinal, start, end, quote], …]`
/// as `JSON.stringify` writes it, in UTF-8.
pub fn citations_sha256(citations: &[Citation]) -> Option<String> {
    let fields = |citation: &Citation| {
        json!([
            citation.number,
            citation.offset,
            citation.document_id,
            citation.version,
            citation.ordinal,
            citation.start,
            citation.end,
            citation.quote,
        ])
    };
    let all: Vec<_> = citations.iter().map(fields).collect();
    (!all.is_empty()).then(|| sha256_hex(&json!(all).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn citation(number: u32, offset: u64) -> Citation {
        Citation {
            number,
            offset,
            document_id: DocumentId::parse("handbook").unwrap(),
            title: "Handbook".to_owned(),
            source_url: None,
            version: "0".repeat(64),
            ordinal: 3,
            start: 5,
            end: 12,
            quote: "A quote".to_owned(),
        }
    }

    #[test]
    fn only_the_marks_of_citations_are_removed() {
        let text = "🎈 See [1] and [2][3]. Not [1].";
        let marked = [citation(1, 7), citation(2, 15), citation(3, 18)];
        assert_eq!(without_marks(text, &marked), "🎈 See and. Not [1].");
        assert_eq!(without_marks(text, &[citation(2, 7)]), text, "another number");
        assert_eq!(without_marks(text, &[]), text);
    }

    #[test]
    fn the_checksum_covers_what_a_citation_says() {
        assert_eq!(citations_sha256(&[]), None);
        let json = r#"[[1,7,"handbook","VERSION",3,5,12,"A quote"]]"#;
        let json = json.replace("VERSION", &"0".repeat(64));
        assert_eq!(citations_sha256(&[citation(1, 7)]), Some(sha256_hex(&json)));
    }
}
