use std::sync::Arc;

use proptest::prelude::*;
use shared::domain::{DocumentId, MAX_QUOTE_CHARS};
use shared::ports::Passage;

use super::*;

const PHONES: &str = "A phone stays in the locker. Calls are made at the office.";
const BUSES: &str = "The school bus leaves at 15:20.";

fn sources() -> Vec<NumberedSource> {
    let passage = |ordinal: u32, text: &str| Passage {
        document_id: DocumentId::parse("handbook").unwrap(),
        title: "Handbook".to_owned(),
        source_url: None,
        version: "0".repeat(64),
        ordinal,
        headings: Vec::new(),
        start: 1_000 * ordinal,
        end: 1_000 * ordinal + 500,
        text: Arc::from(text),
        public: true,
        coverage: 1.0,
    };
    NumberedSource::number(vec![passage(0, PHONES), passage(1, BUSES)], 8_000)
}

/// Returns the text and what it cites.
fn joined(pieces: Vec<Piece>) -> (String, Vec<Citation>) {
    let mut text = String::new();
    let mut citations = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(&piece),
            Piece::Mark(citation, mark) => {
                assert_eq!(citation.offset, utf16_len(&text));
                assert_eq!(mark, format!("[{}]", citation.number));
                text.push_str(&mark);
                citations.push(citation);
            }
        }
    }
    (text, citations)
}

/// Reads a reply that comes in pieces of so many characters.
fn read(reply: &str, size: usize) -> (String, Vec<Citation>) {
    let sources = sources();
    let mut text = CitedText::new(&sources, false);
    let chars: Vec<char> = reply.chars().collect();
    let deltas = chars.chunks(size).map(String::from_iter);
    let mut pieces: Vec<_> = deltas.flat_map(|delta| text.push(&delta)).collect();
    pieces.extend(text.finish());
    assert_eq!(text.held(), 0);
    joined(pieces)
}

#[track_caller]
fn check(reply: &str, expected: &str, cited: &[(u32, &str)]) {
    for size in [1, 2, 5, reply.len().max(1)] {
        let (text, citations) = read(reply, size);
        assert_eq!(text, expected, "in pieces of {size}");
        let found: Vec<_> = citations.iter().map(|it| (it.number, it.quote.as_str())).collect();
        assert_eq!(found, cited, "in pieces of {size}");
    }
}

#[test]
fn a_mark_cites_the_sentence_that_supports_the_text_before_it() {
    let locker = (1, "A phone stays in the locker.");
    let bus = (2, BUSES);
    check("Your phone stays in the locker [1].", "Your phone stays in the locker [1].", &[locker]);
    check(
        "Make calls at the office.[1]",
        "Make calls at the office.[1]",
        &[(1, "Calls are made at the office.")],
    );
    check(
        "🎈 The phone stays in the locker [1, 2], and the bus leaves [2]!",
        "🎈 The phone stays in the locker [1], and the bus leaves [2]!",
        &[locker, bus],
    );
    check("The bus and the phone [2][1]", "The bus and the phone [2][1]", &[bus, locker]);
}

#[test]
fn a_mark_that_is_not_true_is_dropped() {
    check("The bus leaves [7] soon.", "The bus leaves soon.", &[]);
    check("The bus leaves [0].", "The bus leaves.", &[]);
    check("The bus leaves [99999999999].", "The bus leaves.", &[]);
    check("Pluto is a planet [2].", "Pluto is a planet.", &[]);
    check("[1] Nothing stands before it.", " Nothing stands before it.", &[]);
}

#[test]
fn what_only_looks_like_a_mark_is_text() {
    for text in [
        "An [open bracket, [], [ 1], [1-2], [^1], [x] and [",
        "A phone in the locker: [1](https://school.example/) and `phone[1]`.",
        "```\nphone[1]\n\nlocker [1]\n```\n",
        "Phone [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]",
        "Ends with [1",
        "Ends with spaces  ",
    ] {
        check(text, text, &[]);
    }
    let locker = [(1, "A phone stays in the locker.")];
    check("It`s a phone\nin the locker [1]", "It`s a phone\nin the locker [1]", &locker);
}

#[test]
fn the_quote_stands_where_the_citation_says() {
    let (_, citations) = read("Calls are made at the office [1].", 4);
    assert_eq!((citations[0].start, citations[0].end), (29, 58));
    let (_, citations) = read("The bus leaves [2].", 4);
    assert_eq!((citations[0].start, citations[0].end), (1_000, 1_031));
}

#[test]
fn a_provider_that_cites_by_itself_is_checked_too() {
    let sources = sources();
    let mut text = CitedText::new(&sources, true);
    let cited = |passage, quote: &str| ModelCitation { passage, quote: quote.to_owned() };
    let mut pieces = text.push("In the locker");
    pieces.extend(text.cite(&cited(1, "A phone stays in the locker. ")));
    pieces.extend(text.push(". See [1]."));
    for (passage, quote) in [(1, "A phone is stolen."), (3, BUSES), (2, " "), (2, PHONES)] {
        assert_eq!(text.cite(&cited(passage, quote)), [], "{passage} {quote}");
    }
    pieces.extend(text.finish());
    let (text, citations) = joined(pieces);
    assert_eq!(text, "In the locker [1]. See [1].");
    let quotes: Vec<_> = citations.iter().map(|it| it.quote.as_str()).collect();
    assert_eq!(quotes, ["A phone stays in the locker."]);
}

#[test]
fn a_reply_has_at_most_twenty_citations() {
    let reply = "The school bus leaves [2] ".repeat(30);
    let (text, citations) = read(&reply, 7);
    assert_eq!(citations.len(), MAX_CITATIONS);
    assert_eq!(text.matches("[2]").count(), MAX_CITATIONS);
}

proptest! {
    #[test]
    fn marks_are_true_however_a_reply_is_cut(
        reply in "(The |bus |phone |locker|🎈|\\[|\\]|1|2|9|,| |`|\\(|\n){0,40}",
        size in 1..9_usize,
    ) {
        let (text, citations) = read(&reply, size);
        let (whole, cited) = read(&reply, reply.len().max(1));
        prop_assert_eq!(&text, &whole, "the pieces do not matter");
        prop_assert_eq!(&citations, &cited);
        let passages = [PHONES, BUSES];
        for citation in citations {
            let passage = passages[citation.number as usize - 1];
            prop_assert!(passage.contains(&citation.quote));
            prop_assert!(citation.quote.chars().count() <= MAX_QUOTE_CHARS);
            let units: Vec<u16> = passage.encode_utf16().collect();
            let begin = 1_000 * citation.ordinal;
            let [from, to] = [citation.start, citation.end].map(|at| (at - begin) as usize);
            prop_assert_eq!(String::from_utf16(&units[from..to]).unwrap(), citation.quote);
        }
    }
}
