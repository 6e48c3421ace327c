//! Whether a passage has the words that a reply takes from it.

use knowledge::{Bag, Index, Query};
use shared::domain::{Citation, MAX_QUOTE_CHARS, NumberedPassage};

use crate::context::NumberedSource;

/// The least share of a claim that the sentence which supports it has. Common words alone are less.
const MIN_SUPPORT: f64 = 0.1;

/// Returns the citation of a quote that stands in the passage, byte for byte; `None` if it does
/// not.
///
/// The offset is the caller's to set. A long quote is cut.
pub(super) fn verify(source: &NumberedSource, quote: &str) -> Option<Citation> {
    let quote = quote.trim();
    let length = quote.char_indices().nth(MAX_QUOTE_CHARS).map_or(quote.len(), |(at, _)| at);
    let quote = quote[..length].trim_end();
    let start = source.text.find(quote).filter(|_| !quote.is_empty())?;
    let place = source.place(start..start + quote.len());
    let NumberedPassage { number, document_id, title, source_url, version, ordinal, .. } =
        source.passage.clone();
    Some(Citation {
        number,
        offset: 0,
        document_id,
        title,
        source_url,
        version,
        ordinal,
        start: place.start,
        end: place.end,
        quote: quote.to_owned(),
    })
}

/// Returns the citation of the sentence that best supports a claim; `None` if none has
/// anything of it.
///
/// A model that gives a number only says which passage it means, but not which words.
pub(super) fn choose(source: &NumberedSource, claim: &str) -> Option<Citation> {
    let query = Query::new(claim, []);
    let mut index = Index::default();
    let bags = source.found.sentences.iter().map(|sentence| Bag::of_passage("", &[], sentence));
    let bags: Vec<_> = bags.inspect(|bag| index.add(bag)).collect();
    let best = index.search(&query).into_iter().next()?;
    // What is rare in a handful of sentences says little: each word of the claim counts alike.
    let asked: f64 = query.terms.iter().map(|term| term.asked).sum();
    let held = query.terms.iter().filter(|term| bags[best.passage].counts.contains_key(&term.term));
    if held.map(|term| term.asked).sum::<f64>() < MIN_SUPPORT * asked || asked == 0.0 {
        return None;
    }
    verify(source, &source.found.sentences[best.passage])
}
