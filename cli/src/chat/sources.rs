//! Lists the sources of an answer for a terminal.

use std::collections::BTreeMap;

use client::rule::FinalDetails;
use shared::domain::{Citation, NumberedPassage};

use crate::output::{clean, cut};

/// How many characters of a quote are printed.
const QUOTE_CHARS: usize = 100;

/// Returns the lines about what the marks in an answer refer to, in the order of their numbers:
/// title and headings, the first words of the first quote, and the address.
pub(super) fn source_lines(details: &FinalDetails) -> Vec<String> {
    let mut by_number = BTreeMap::new();
    for citation in &details.citations {
        by_number.entry(citation.number).or_insert(citation);
    }
    let describe = |citation: &&Citation| {
        let title = [clean(title(citation))];
        let headings = headings(citation, &details.passages).iter().map(|heading| clean(heading));
        let path: Vec<_> = title.into_iter().chain(headings).collect();
        let mut lines = vec![
            format!("[{}] {}", citation.number, path.join(" › ")),
            format!("    “{}”", cut(&citation.quote, QUOTE_CHARS)),
        ];
        lines.extend(citation.source_url.as_ref().map(|url| format!("    {}", clean(url))));
        lines
    };
    by_number.values().flat_map(describe).collect()
}

fn title(citation: &Citation) -> &str {
    if citation.title.is_empty() { citation.document_id.as_str() } else { &citation.title }
}

/// Finds the headings above a cited passage; none if they were not announced.
fn headings<'a>(citation: &Citation, passages: &'a [NumberedPassage]) -> &'a [String] {
    let is_cited = |passage: &&NumberedPassage| {
        passage.document_id == citation.document_id
            && passage.version == citation.version
            && passage.ordinal == citation.ordinal
    };
    passages.iter().find(is_cited).map_or(&[], |passage| &passage.headings)
}

#[cfg(test)]
mod tests {
    use shared::domain::{DocumentId, sha256_hex};

    use super::*;

    fn citation(number: u32, quote: &str, source_url: Option<&str>) -> Citation {
        Citation {
            number,
            offset: 0,
            document_id: DocumentId::parse("handbook").unwrap(),
            title: "Student\u{1b}[31m handbook".to_owned(),
            source_url: source_url.map(str::to_owned),
            version: sha256_hex("content"),
            ordinal: number,
            start: 0,
            end: 1,
            quote: quote.to_owned(),
        }
    }

    fn passage(number: u32, version: &str) -> NumberedPassage {
        NumberedPassage {
            number,
            document_id: DocumentId::parse("handbook").unwrap(),
            title: "Student handbook".to_owned(),
            source_url: None,
            version: sha256_hex(version),
            ordinal: number,
            headings: vec!["Rules".to_owned(), "Phones".to_owned()],
        }
    }

    #[test]
    fn every_number_is_listed_once_with_nothing_that_controls_the_terminal() {
        let details = FinalDetails {
            citations: vec![
                citation(2, &"long ".repeat(40), None),
                citation(1, "one\nphone", Some("https://school.example/\u{7}")),
                citation(2, "more", None),
            ],
            passages: vec![passage(1, "content"), passage(2, "another version")],
            ..FinalDetails::default()
        };
        assert_eq!(
            source_lines(&details),
            [
                "[1] Student\u{FFFD}[31m handbook › Rules › Phones",
                "    “one phone”",
                "    https://school.example/\u{FFFD}",
                "[2] Student\u{FFFD}[31m handbook",
                &format!("    “{}…”", &"long ".repeat(40)[..QUOTE_CHARS - 1]),
            ]
        );
        assert_eq!(source_lines(&FinalDetails::default()), [] as [&str; 0]);
    }
}
