//! Ranks passages that a database found.

use std::collections::HashMap;

use crate::bm25::{Bm25, Statistics};
use crate::index::Scored;
use crate::query::Query;
use crate::terms::{for_each_term_of_word, words};

/// A passage that may answer a question.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The title of its document.
    pub title: &'a str,
    /// The headings above it, the outermost first.
    pub headings: &'a [String],
    /// Its text.
    pub text: &'a str,
}

/// Returns the candidates that share a term with the query, best first; equals in their order.
///
/// Scores them as an [`Index`](crate::Index) would that holds the whole library: `statistics` are
/// those of the library, and `frequencies` are the numbers of its passages in which each term of
/// the query is, in the order of `query.terms`; a missing one counts as 0.
pub fn rank(
    query: &Query,
    statistics: Statistics,
    frequencies: &[u64],
    candidates: &[Candidate<'_>],
) -> Vec<Scored> {
    let bm25 = Bm25::new(statistics);
    let idf: Vec<_> = (0..query.terms.len())
        .map(|place| bm25.idf(frequencies.get(place).copied().unwrap_or(0)))
        .collect();
    let asked: f64 = query.terms.iter().zip(&idf).map(|(term, idf)| term.asked * idf).sum();
    let mut counter = Counter::new(query);
    let mut found = Vec::new();
    for (passage, candidate) in candidates.iter().enumerate() {
        let length = counter.count(candidate);
        let mut score = 0.0;
        let mut held = 0.0;
        for ((term, idf), &count) in query.terms.iter().zip(&idf).zip(&counter.counts) {
            if count > 0 {
                score += term.weight * idf * bm25.saturation(count, length);
                held += term.asked * idf;
            }
        }
        if score > 0.0 {
            let coverage = if asked > 0.0 { held / asked } else { 0.0 };
            found.push(Scored { passage, score, coverage });
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found
}

/// Counts the terms of a query in passages.
///
/// Remembers what it found in each word: passages about one subject share most of theirs, and
/// stemming takes most of the time.
struct Counter<'a> {
    places: HashMap<&'a str, usize>,
    words: HashMap<&'a str, Word>,
    /// How often each term of the query is in the passage that was counted last.
    counts: Vec<u32>,
}

#[derive(Default)]
struct Word {
    terms: u32,
    places: Vec<usize>,
}

impl<'a> Counter<'a> {
    fn new(query: &'a Query) -> Self {
        let terms = query.terms.iter().enumerate();
        let places: HashMap<_, _> = terms.map(|(place, term)| (&*term.term, place)).collect();
        Self { places, words: HashMap::new(), counts: vec![0; query.terms.len()] }
    }

    /// Returns the number of terms in a candidate.
    fn count(&mut self, candidate: &Candidate<'a>) -> u32 {
        self.counts.fill(0);
        let headings = candidate.headings.iter().map(String::as_str);
        let texts = [candidate.title].into_iter().chain(headings).chain([candidate.text]);
        let mut length = 0;
        for word in texts.flat_map(words) {
            let places = &self.places;
            let known = self.words.entry(word).or_insert_with(|| {
                let mut known = Word::default();
                for_each_term_of_word(word, |term| {
                    known.terms += 1;
                    known.places.extend(places.get(term));
                });
                known
            });
            length += known.terms;
            for &place in &known.places {
                self.counts[place] += 1;
            }
        }
        length
    }
}
