//! An index in memory.

use std::collections::HashMap;

use crate::bm25::{Bm25, Statistics};
use crate::query::Query;
use crate::terms::Bag;

/// Passages in memory, by their terms.
#[derive(Debug, Default)]
pub struct Index {
    lengths: Vec<u32>,
    postings: HashMap<Box<str>, Vec<(u32, u32)>>,
    statistics: Statistics,
}

/// A passage that matches a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Its place in the index: passages are numbered from 0 in the order they were added.
    pub passage: usize,
    /// Its score, above 0; comparable within one search only.
    pub score: f64,
    /// How much of the question it holds, from 0 to 1: the share of the terms, each counted by what
    /// it tells. Comparable between searches.
    pub coverage: f64,
}

impl Index {
    /// Adds a passage.
    pub fn add(&mut self, bag: &Bag) {
        let passage = u32::try_from(self.lengths.len()).unwrap_or(u32::MAX);
        self.lengths.push(bag.length);
        self.statistics.passages += 1;
        self.statistics.terms += u64::from(bag.length);
        for (term, count) in &bag.counts {
            self.postings.entry(term.clone()).or_default().push((passage, *count));
        }
    }

    /// Returns all passages that share a term with the query, best first; equals in the order they
    /// were added.
    pub fn search(&self, query: &Query) -> Vec<Scored> {
        let bm25 = Bm25::new(self.statistics);
        let mut scores = vec![Score::default(); self.lengths.len()];
        let mut asked = 0.0;
        for term in &query.terms {
            let postings = self.postings.get(&term.term).map_or(&[][..], Vec::as_slice);
            let idf = bm25.idf(postings.len() as u64);
            asked += term.asked * idf;
            for &(passage, count) in postings {
                let passage = passage as usize;
                let saturation = bm25.saturation(count, self.lengths[passage]);
                scores[passage].sum += term.weight * idf * saturation;
                scores[passage].held += term.asked * idf;
            }
        }
        let found = scores.into_iter().enumerate().filter(|(_, score)| score.sum > 0.0);
        let found = found.map(|(passage, score)| Scored {
            passage,
            score: score.sum,
            coverage: if asked > 0.0 { score.held / asked } else { 0.0 },
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Score {
    sum: f64,
    held: f64,
}
