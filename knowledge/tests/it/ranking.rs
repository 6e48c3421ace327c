use knowledge::{Bag, Candidate, Index, Query, Statistics, rank};
use proptest::prelude::*;

fn index(passages: &[&str]) -> Index {
    let mut index = Index::default();
    for passage in passages {
        index.add(&Bag::of_passage("", &[], passage));
    }
    index
}

#[track_caller]
fn check(passages: &[&str], question: &str, previous: &[&str], expected: &[usize]) {
    let found = index(passages).search(&Query::new(question, previous.iter().copied()));
    let order: Vec<_> = found.iter().map(|scored| scored.passage).collect();
    assert_eq!(order, expected);
}

#[test]
fn other_forms_of_a_word_are_found() {
    check(&["the cat sleeps", "detentions are on Friday"], "When is detention?", &[], &[1]);
    check(&["Die Katze schläft", "die Prüfungen beginnen"], "Wann ist Prüfung?", &[], &[1]);
}

#[test]
fn parts_of_a_compound_are_found() {
    check(&["Der Hund bellt", "Der Schulbusfahrplan hängt aus"], "Schulbus?", &[], &[1]);
}

#[test]
fn scripts_without_spaces_are_found() {
    check(&["雨が降る", "学校は八時に始まる"], "学校はいつ?", &[], &[1]);
}

#[test]
fn a_rare_word_counts_more_than_a_common_one() {
    check(&["red one", "red two", "red three", "blue four"], "red blue", &[], &[3, 0, 1, 2]);
}

#[test]
fn equal_passages_keep_their_order() {
    check(&["same words", "same words", "same words"], "same", &[], &[0, 1, 2]);
}

#[test]
fn a_follow_up_is_understood_by_what_was_asked_before() {
    let passages =
        ["maths on Monday is in room 4", "maths on Tuesday is in room 7", "art on Monday"];
    check(&passages, "And on Tuesday?", &["Where is maths on Monday?"], &[1, 0, 2]);
}

#[test]
fn coverage_is_the_share_of_the_question_that_a_passage_holds() {
    let index = index(&["the swimming pool opens at nine", "the library opens at ten"]);
    let coverage = |question: &str| {
        index.search(&Query::new(question, [])).first().map_or(0.0, |best| best.coverage)
    };
    assert!((coverage("swimming pool") - 1.0).abs() < 1e-9);
    assert!(coverage("swimming pool for elephants") > coverage("elephants at the circus"));
    assert!(coverage("zzz") < 1e-9);
}

#[test]
fn an_empty_question_finds_nothing() {
    check(&["some words"], "", &[], &[]);
    check(&["some words"], "?! \u{0}", &[], &[]);
    check(&[], "word", &[], &[]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn candidates_are_ranked_as_the_index_of_the_whole_library_ranks_them(
        texts in prop::collection::vec("(Schulbus|bus|buses|the|12:30|雨が降る|[a-z]{5}| |\\. ){0,30}", 1..12),
        question in "(Schulbus|bus|the|雨|[a-z]{5}| ){0,9}",
        previous in "(bus|12:30| ){0,4}",
    ) {
        let headings = ["The bus".to_owned(), "Rain".to_owned()];
        let mut index = Index::default();
        let mut statistics = Statistics::default();
        let bags: Vec<_> =
            texts.iter().map(|text| Bag::of_passage("Title", &headings, text)).collect();
        for bag in &bags {
            index.add(bag);
            statistics.passages += 1;
            statistics.terms += u64::from(bag.length);
        }
        let query = Query::new(&question, [previous.as_str()]);
        let frequency =
            |term: &str| bags.iter().filter(|bag| bag.counts.contains_key(term)).count() as u64;
        let frequencies: Vec<_> =
            query.terms.iter().map(|term| frequency(&term.term)).collect();
        let candidates: Vec<_> = texts
            .iter()
            .map(|text| Candidate { title: "Title", headings: &headings, text })
            .collect();
        prop_assert_eq!(
            rank(&query, statistics, &frequencies, &candidates),
            index.search(&query)
        );
    }
}
