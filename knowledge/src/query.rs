//! What is asked for.

use std::collections::HashMap;

use crate::stop_words::is_stop_word;
use crate::terms::{for_each_term_of_word, is_group, words};

/// The number of distinct terms that are looked at; the rest of a long question is ignored.
const MAX_TERMS: usize = 256;
/// The weight of the terms of the messages before, against those of the question.
const PREVIOUS_WEIGHT: f64 = 0.3;

/// The weight of a group of characters, against that of a stem.
const GROUP_WEIGHT: f64 = 0.5;

/// One term of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryTerm {
    /// The term.
    pub term: Box<str>,
    /// How much it counts: 1 for each occurrence of a stem in the question, less for a group of
    /// characters and for the messages before.
    pub weight: f64,
    /// The part of the weight that comes from the question itself; 0 for words such as "what" and
    /// "the", which say nothing of what is asked.
    pub asked: f64,
}

/// The terms of a question, and of the messages before it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// The distinct terms, those of the question first.
    pub terms: Vec<QueryTerm>,
}

impl Query {
    /// Takes the terms of `question`, and with a lower weight those of the messages before it.
    ///
    /// "And on Wednesday?" is understood that way after "When is maths on Tuesday?".
    pub fn new<'a>(question: &str, previous: impl IntoIterator<Item = &'a str>) -> Self {
        let mut query = Builder::default();
        query.add(question, 1.0, true);
        for message in previous {
            query.add(message, PREVIOUS_WEIGHT, false);
        }
        query.finished
    }
}

#[derive(Default)]
struct Builder {
    places: HashMap<Box<str>, usize>,
    finished: Query,
}

impl Builder {
    fn add(&mut self, text: &str, weight: f64, is_question: bool) {
        for word in words(text) {
            let asks = is_question && !is_stop_word(&word.to_lowercase());
            for_each_term_of_word(word, |term| {
                let weight = if is_group(term) { weight * GROUP_WEIGHT } else { weight };
                self.add_term(term, weight, if asks { weight } else { 0.0 });
            });
        }
    }

    fn add_term(&mut self, term: &str, weight: f64, asked: f64) {
        if let Some(&place) = self.places.get(term) {
            self.finished.terms[place].weight += weight;
            self.finished.terms[place].asked += asked;
        } else if self.finished.terms.len() < MAX_TERMS {
            self.places.insert(term.into(), self.finished.terms.len());
            self.finished.terms.push(QueryTerm { term: term.into(), weight, asked });
        }
    }
}
