//! What is stored of a document's passages.

use std::collections::HashMap;

use knowledge::{Bag, cut};

/// A passage of a document.
#[derive(Debug)]
pub(super) struct PreparedPassage {
    pub(super) start: u32,
    pub(super) end: u32,
    /// The headings above it as JSON.
    pub(super) headings: String,
    pub(super) text: String,
    /// How many terms it has.
    pub(super) length: u32,
}

/// The passages of a document, and its terms.
#[derive(Debug)]
pub(in crate::sqlite) struct Prepared {
    pub(super) passages: Vec<PreparedPassage>,
    /// For each term, the ordinals of the passages that have it, ascending, with how often.
    pub(super) postings: HashMap<Box<str>, Vec<(u32, u8)>>,
}

impl Prepared {
    /// Cuts a document and counts its terms. Takes about a second for 4 MB.
    pub(in crate::sqlite) fn new(title: &str, content: &str) -> Self {
        let mut prepared = Self { passages: Vec::new(), postings: HashMap::new() };
        for (span, ordinal) in cut(content).into_iter().zip(0..) {
            let text = &content[span.start..span.end];
            let bag = Bag::of_passage(title, &span.headings, text);
            for (term, count) in bag.counts {
                let count = u8::try_from(count).unwrap_or(u8::MAX);
                prepared.postings.entry(term).or_default().push((ordinal, count));
            }
            prepared.passages.push(PreparedPassage {
                start: span.start_utf16,
                end: span.end_utf16,
                headings: serde_json::to_string(&span.headings).unwrap_or_default(),
                text: text.to_owned(),
                length: bag.length,
            });
        }
        prepared
    }

    /// Returns how many terms the passages have in all.
    pub(super) fn terms(&self) -> i64 {
        self.passages.iter().map(|passage| i64::from(passage.length)).sum()
    }

    /// Returns about how many bytes are written for it.
    pub(in crate::sqlite) fn bytes(&self) -> usize {
        let texts: usize = self.passages.iter().map(|passage| passage.text.len()).sum();
        texts + self.postings.keys().map(|term| term.len() + 8).sum::<usize>()
    }
}
