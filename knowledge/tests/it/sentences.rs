use knowledge::sentences;
use proptest::prelude::*;

#[track_caller]
fn check(passage: &str, expected: &[&str]) {
    assert_eq!(sentences(passage), expected);
}

#[test]
fn sentences_end_at_marks_and_at_lines() {
    check("It rains. Stay in! Why? Because.", &["It rains. ", "Stay in! ", "Why? ", "Because."]);
    check("# Rules\n\n- one\n- two", &["# Rules\n\n", "- one\n", "- two"]);
    check("雨です。中にいて。", &["雨です。", "中にいて。"]);
}

#[test]
fn a_full_stop_inside_a_sentence_ends_nothing() {
    check(
        "Ask Mr. Weiss at 8.30 a.m. on the 3. May.",
        &["Ask Mr. Weiss at 8.30 a.m. on the 3. May."],
    );
    check("J. Smith, e.g. Monday. Then go.", &["J. Smith, e.g. Monday. ", "Then go."]);
}

#[test]
fn a_long_sentence_is_cut_at_a_space() {
    let long = "word ".repeat(100);
    let lengths: Vec<_> = sentences(&long).iter().map(|sentence| sentence.len()).collect();
    assert_eq!(lengths, [300, 200]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sentences_together_are_the_passage(passage in "([a-zA-Z0-9é🎈.!?。 \n]|[a-z]{310}){0,80}") {
        let sentences = sentences(&passage);
        prop_assert_eq!(&sentences.concat(), &passage);
        prop_assert!(sentences.iter().all(|sentence| !sentence.is_empty()));
        prop_assert!(sentences.iter().all(|sentence| sentence.trim_end().chars().count() <= 301));
    }
}
