//! What a search found, as the model reads it, and where that stands in the documents.

use std::ops::Range;

use knowledge::sentences;
use shared::domain::NumberedPassage;
use shared::ports::{FoundPassage, Passage};
use shared::visible::{is_blank, without_invisible};

use super::tokens::estimated_tokens;

/// The most headings of a passage that are kept, the innermost ones.
const MAX_HEADINGS: usize = 6;
/// The longest title, and the longest heading, in bytes. Both come from documents.
const MAX_TITLE_BYTES: usize = 512;
/// The longest source URL that is kept, in bytes; half an address leads nowhere.
const MAX_SOURCE_URL_BYTES: usize = 2_048;

/// A passage that was found, with everything that is not for the model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NumberedSource {
    /// What clients are told of it.
    pub(crate) passage: NumberedPassage,
    /// What the model is told of it.
    pub(crate) found: FoundPassage,
    /// The text as the model reads it: without invisible characters.
    pub(crate) text: String,
    /// The text as it is stored.
    stored: String,
    /// Where that begins in the document, in UTF-16 code units.
    start: u32,
}

impl NumberedSource {
    /// Takes over what was found, best first, as far as `max_tokens` allow; the first passage
    /// always.
    pub(crate) fn number(passages: Vec<Passage>, max_tokens: usize) -> Vec<Self> {
        let mut left = max_tokens;
        let mut sources = Vec::new();
        for passage in passages {
            let rest = left.checked_sub(estimated_tokens(&passage.text));
            if rest.is_none() && !sources.is_empty() {
                break;
            }
            left = rest.unwrap_or(0);
            let number = u32::try_from(sources.len() + 1).unwrap_or(u32::MAX);
            sources.extend(Self::new(passage, number));
        }
        sources
    }

    /// Takes over a passage; `None` if nothing of it can be seen.
    fn new(passage: Passage, number: u32) -> Option<Self> {
        let text = without_invisible(&passage.text).into_owned();
        if is_blank(&text) {
            return None;
        }
        let skipped = passage.headings.len().saturating_sub(MAX_HEADINGS);
        let headings: Vec<_> = passage.headings[skipped..].iter().map(|it| one_line(it)).collect();
        let title = one_line(&passage.title);
        let names = [&title].into_iter().chain(&headings).map(String::as_str);
        let found = FoundPassage {
            source: format!("{}#{}", passage.document_id, passage.ordinal),
            title: names.collect::<Vec<_>>().join(" › "),
            sentences: visible_sentences(&text),
            public: passage.public,
        };
        let numbered = NumberedPassage {
            number,
            document_id: passage.document_id,
            title,
            source_url: passage.source_url.filter(|url| url.len() <= MAX_SOURCE_URL_BYTES),
            version: passage.version,
            ordinal: passage.ordinal,
            headings,
        };
        let stored = passage.text.as_ref().to_owned();
        Some(Self { passage: numbered, found, text, stored, start: passage.start })
    }

    /// Returns where bytes of the text that the model read stand in the document, in UTF-16 code
    /// units.
    pub(crate) fn place(&self, quote: Range<usize>) -> Range<u32> {
        let mut shown = self.text.char_indices().peekable();
        let mut offset = self.start;
        let (mut start, mut end) = (self.start, self.start);
        for c in self.stored.chars() {
            let width = u32::try_from(c.len_utf16()).unwrap_or(0);
            // The text is what was stored, with some characters left out.
            if let Some((at, _)) = shown.next_if(|(_, visible)| *visible == c) {
                if at == quote.start {
                    start = offset;
                }
                if at < quote.end {
                    end = offset + width;
                }
            }
            offset += width;
        }
        start..end
    }
}

/// Divides a text into sentences; what cannot be seen goes with the sentence before it.
///
/// Providers refuse blank blocks.
fn visible_sentences(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for sentence in sentences(text) {
        match all.last_mut() {
            Some(last) if is_blank(sentence) || is_blank(last) => last.push_str(sentence),
            _ => all.push(sentence.to_owned()),
        }
    }
    all
}

/// Returns a title or a heading on one line, without invisible characters, and not too long.
fn one_line(name: &str) -> String {
    let visible = without_invisible(name);
    let mut line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    line.truncate(line.floor_char_boundary(MAX_TITLE_BYTES));
    line
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::domain::DocumentId;

    use super::*;

    fn passage(text: &str, start: u32) -> Passage {
        Passage {
            document_id: DocumentId::parse("d").unwrap(),
            title: "A\ntitle".to_owned(),
            source_url: Some("x".repeat(3_000)),
            version: "0".repeat(64),
            ordinal: 2,
            headings: (0..8).map(|n| format!("H{n}")).collect(),
            start,
            end: start,
            text: Arc::from(text),
            public: true,
            coverage: 1.0,
        }
    }

    #[test]
    fn a_quote_is_placed_in_the_text_as_it_is_stored() {
        let stored = "🎈 Ph\u{200B}ones stay\u{E0041} in the locker.";
        let source = NumberedSource::number(vec![passage(stored, 100)], 1_000).remove(0);
        assert_eq!(source.text, "🎈 Phones stay in the locker.");
        let at = source.text.find("Phones stay").unwrap();
        let place = source.place(at..at + "Phones stay".len());
        let units: Vec<u16> = stored.encode_utf16().collect();
        let [from, to] = [place.start, place.end].map(|offset| (offset - 100) as usize);
        assert_eq!(String::from_utf16(&units[from..to]).unwrap(), "Ph\u{200B}ones stay");
        assert_eq!(source.place(0..source.text.len()).end as usize, 100 + units.len());
    }

    #[test]
    fn what_comes_from_documents_is_bounded() {
        let source = NumberedSource::number(vec![passage("Text.", 0)], 1_000).remove(0);
        assert_eq!(source.passage.title, "A title");
        assert_eq!(source.passage.source_url, None);
        assert_eq!(source.passage.headings, ["H2", "H3", "H4", "H5", "H6", "H7"]);
        assert_eq!(source.found.title, "A title › H2 › H3 › H4 › H5 › H6 › H7");
    }

    #[test]
    fn as_many_passages_are_taken_as_fit_and_blank_ones_are_left_out() {
        let texts = ["x".repeat(400), "\u{200B}\n".to_owned(), "y".repeat(400), "z".repeat(400)];
        let taken = |tokens| {
            let found = texts.iter().map(|text| passage(text, 0)).collect();
            let sources = NumberedSource::number(found, tokens);
            let taken = sources.iter().map(|it| (it.passage.number, it.text[..1].to_owned()));
            taken.collect::<Vec<_>>()
        };
        let [x, y] = [(1, "x".to_owned()), (2, "y".to_owned())];
        assert_eq!(taken(210), [x.clone(), y]);
        assert_eq!(taken(10), [x], "the best one in any case");
    }
}
