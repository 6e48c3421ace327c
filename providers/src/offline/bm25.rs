//! Ranks passages by BM25, the passages of one document being the whole collection.

use std::collections::HashMap;

use super::words::for_each_word;

/// How fast a repeated word stops adding to the score; the usual value.
const K1: f64 = 1.2;
/// How much a long passage is held back; the usual value.
const B: f64 = 0.75;

/// A passage that holds at least one term of the question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Match {
    /// The passage's place in the document, from 0.
    pub(super) passage: usize,
    /// The BM25 score; comparable within one ranking only.
    pub(super) score: f64,
    /// The terms found, by their place in the question.
    pub(super) terms: Vec<usize>,
}

/// What the passages of one document say about one question.
#[derive(Debug)]
pub(super) struct Ranking {
    /// The passages that match, best first, equal ones in the document's order.
    pub(super) matches: Vec<Match>,
    /// How much each term tells: high for a rare one, highest for one that no passage holds.
    pub(super) idf: Vec<f64>,
}

/// Scores every passage against `terms`, which must be distinct.
pub(super) fn rank<'a>(passages: impl Iterator<Item = &'a str>, terms: &[String]) -> Ranking {
    let counts = Counts::of(passages, terms);
    let idf: Vec<f64> = counts.holding.iter().map(|&holding| counts.idf(holding)).collect();
    let mut matches: Vec<Match> = counts.hits.iter().map(|hit| counts.score(hit, &idf)).collect();
    matches.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.passage.cmp(&b.passage)));
    Ranking { matches, idf }
}

/// The statistics of one document: only what the question's terms need.
struct Counts {
    passages: usize,
    words: usize,
    /// For each term, the number of passages that hold it.
    holding: Vec<usize>,
    hits: Vec<Hit>,
}

struct Hit {
    passage: usize,
    words: usize,
    /// Term and number of occurrences, by term.
    found: Vec<(usize, usize)>,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a document of at most 1 MB are exact in f64"
)]
impl Counts {
    fn of<'a>(passages: impl Iterator<Item = &'a str>, terms: &[String]) -> Self {
        let places: HashMap<&str, usize> =
            terms.iter().enumerate().map(|(i, term)| (term.as_str(), i)).collect();
        let mut counts =
            Self { passages: 0, words: 0, holding: vec![0; terms.len()], hits: Vec::new() };
        for passage in passages {
            counts.add(passage, &places);
        }
        counts
    }

    fn add(&mut self, passage: &str, places: &HashMap<&str, usize>) {
        let mut words = 0;
        let mut found: Vec<(usize, usize)> = Vec::new();
        for_each_word(passage, |word| {
            words += 1;
            if let Some(&term) = places.get(word) {
                match found.binary_search_by_key(&term, |&(term, _)| term) {
                    Ok(at) => found[at].1 += 1,
                    Err(at) => found.insert(at, (term, 1)),
                }
            }
        });
        for &(term, _) in &found {
            self.holding[term] += 1;
        }
        if !found.is_empty() {
            self.hits.push(Hit { passage: self.passages, words, found });
        }
        self.passages += 1;
        self.words += words;
    }

    fn idf(&self, holding: usize) -> f64 {
        let all = self.passages as f64;
        let holding = holding as f64;
        (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
    }

    fn score(&self, hit: &Hit, idf: &[f64]) -> Match {
        let average = self.words as f64 / self.passages as f64;
        let length = 1.0 - B + B * hit.words as f64 / average;
        let term_score = |&(term, times): &(usize, usize)| {
            let times = times as f64;
            idf[term] * times * (K1 + 1.0) / (times + K1 * length)
        };
        Match {
            passage: hit.passage,
            score: hit.found.iter().map(term_score).sum(),
            terms: hit.found.iter().map(|&(term, _)| term).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(passages: &[&str], terms: &[&str], expected: &[usize]) {
        let terms: Vec<String> = terms.iter().map(ToString::to_string).collect();
        let ranking = rank(passages.iter().copied(), &terms);
        let order: Vec<usize> = ranking.matches.iter().map(|found| found.passage).collect();
        assert_eq!(order, expected);
    }

    #[test]
    fn more_of_the_question_ranks_higher() {
        check(&["red car", "red apple", "green pear"], &["red", "apple"], &[1, 0]);
    }

    #[test]
    fn a_rare_word_counts_more_than_a_common_one() {
        check(&["red one", "red two", "red three", "blue four"], &["red", "blue"], &[3, 0, 1, 2]);
    }

    #[test]
    fn equal_passages_keep_the_order_of_the_document() {
        check(&["same words", "same words", "same words"], &["same"], &[0, 1, 2]);
    }

    #[test]
    fn the_score_is_that_of_the_formula() {
        let ranking = rank(["one two", "three four"].into_iter(), &["one".to_owned()]);
        let expected = (1.0_f64 + 1.5 / 1.5).ln();
        assert!((ranking.matches[0].score - expected).abs() < 1e-12);
    }

    #[test]
    fn an_empty_document_ranks_nothing() {
        check(&[], &["word"], &[]);
    }
}
