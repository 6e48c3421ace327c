//! Chooses the lines to quote, or none.

use super::bm25::{Match, Ranking, rank};
use super::passages::passages;
use super::words::{for_each_word, kinds_asked_for};

/// The number of lines quoted at most.
const MAX_LINES: usize = 5;
/// The number of the question's distinct terms that are looked at; the rest is ignored.
const MAX_TERMS: usize = 64;
/// The share of the best line's score below which a line is not quoted beside it.
const NEAR_THE_BEST: f64 = 0.8;
/// How much less a word counts that names the kind of the answer: a line can tell the time without
/// the word "time".
const KIND_WEIGHT: f64 = 0.5;
/// The share of what the question tells that the best line must hold; less is no answer.
const MIN_COVERAGE: f64 = 0.5;

/// Returns the lines of `document` that best match `question`, best first, or `None` when none
/// does.
///
/// At most five lines; lines that match equally well come in the document's order.
/// Reads the first 1 MB of the document, in linear time.
/// What the `title` says holds for every line: a line about Tuesday in "Timetable of class 7B"
/// answers for class 7B.
pub fn quote<'a>(title: &str, document: &'a str, question: &str) -> Option<Vec<&'a str>> {
    let terms = distinct_words(question);
    let ranking = rank(passages(document), &terms);
    let best = ranking.matches.first()?;
    let asked = Asked::new(title, question, &terms, &ranking);
    if asked.coverage(best) < MIN_COVERAGE {
        return None;
    }
    Some(lines(document, near_the_best(&ranking.matches)))
}

fn distinct_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for_each_word(text, |word| {
        if words.len() < MAX_TERMS && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    });
    words
}

/// What the question asks for beyond the title: the weight of each of its terms.
struct Asked {
    weights: Vec<f64>,
}

impl Asked {
    fn new(title: &str, question: &str, terms: &[String], ranking: &Ranking) -> Self {
        let said = distinct_words(title);
        let kinds = kinds_asked_for(question);
        let weight = |(term, &idf): (&String, &f64)| {
            if said.contains(term) {
                0.0
            } else if kinds.contains(term) {
                idf * KIND_WEIGHT
            } else {
                idf
            }
        };
        Self { weights: terms.iter().zip(&ranking.idf).map(weight).collect() }
    }

    /// Measures how much of the question a line holds, from 0 to 1.
    ///
    /// A term that the document does not know is in no line, and weighs most: it is what the
    /// question is about.
    fn coverage(&self, line: &Match) -> f64 {
        let asked: f64 = self.weights.iter().sum();
        let held: f64 = line.terms.iter().map(|&term| self.weights[term]).sum();
        if asked > 0.0 { held / asked } else { 1.0 }
    }
}

fn near_the_best(matches: &[Match]) -> &[Match] {
    let least = matches.first().map_or(0.0, |best| best.score * NEAR_THE_BEST);
    let near = matches.iter().take(MAX_LINES).take_while(|found| found.score >= least).count();
    &matches[..near]
}

fn lines<'a>(document: &'a str, matches: &[Match]) -> Vec<&'a str> {
    let mut found: Vec<(usize, &str)> = passages(document)
        .enumerate()
        .filter_map(|(at, line)| {
            Some((matches.iter().position(|found| found.passage == at)?, line))
        })
        .collect();
    found.sort_unstable_by_key(|&(place, _)| place);
    let mut lines: Vec<&str> = Vec::new();
    for (_, line) in found {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str =
        "Monday: open from nine to five.\n\nTuesday: open from nine to one.\nSunday: closed.";

    #[track_caller]
    fn check(title: &str, document: &str, question: &str, expected: Option<&[&str]>) {
        assert_eq!(quote(title, document, question).as_deref(), expected);
    }

    #[test]
    fn the_line_that_answers_is_quoted_alone() {
        check(
            "Hours",
            SHOP,
            "When do you open on Tuesday?",
            Some(&["Tuesday: open from nine to one."]),
        );
    }

    #[test]
    fn lines_that_match_equally_well_come_in_the_order_of_the_document() {
        let both = ["Monday: open from nine to five.", "Tuesday: open from nine to one."];
        check("Hours", SHOP, "When do you open?", Some(&both));
    }

    #[test]
    fn a_question_about_something_unknown_is_declined() {
        check("Hours", SHOP, "Do you open on Christmas Eve?", None);
    }

    #[test]
    fn a_question_without_content_words_is_declined() {
        check("Hours", SHOP, "What is it?", None);
        check("Hours", SHOP, "", None);
        check("Hours", "", "When do you open on Tuesday?", None);
    }

    #[test]
    fn what_the_title_says_holds_for_every_line() {
        let question = "When does the bakery in Mill Lane open on Tuesday?";
        check("Hours", SHOP, question, None);
        check("Bakery, Mill Lane", SHOP, question, Some(&["Tuesday: open from nine to one."]));
    }

    #[test]
    fn at_most_five_lines_are_quoted_and_none_twice() {
        let lines: Vec<String> = (0..9).map(|n| format!("Line {n}")).collect();
        let expected: Vec<&str> = lines.iter().map(String::as_str).take(MAX_LINES).collect();
        check("Title", &lines.join("\n"), "Which line?", Some(&expected));
        check("Title", &"Line\n".repeat(9), "Which line?", Some(&["Line"]));
    }

    #[test]
    fn only_the_first_words_of_a_long_question_count() {
        let words: Vec<String> = (0..MAX_TERMS).map(|n| format!("w{n}")).collect();
        let question = words.join(" ") + " Sunday";
        check("Hours", SHOP, &question, None);
    }
}
