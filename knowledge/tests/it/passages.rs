use knowledge::{MAX_PASSAGE_CHARS, cut};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Cases that the SQL of the other home is held to as well. An expected passage is its start and
/// its end in UTF-16 code units, and its headings.
const CASES: &str = include_str!("../passages.json");

#[test]
fn documents_are_cut_as_the_common_cases_say() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    for case in cases {
        // A content is a text, or a list of parts: `[text, times]` stands for repetitions.
        let repeated = |part: &Value| {
            let times = usize::try_from(part[1].as_u64().unwrap()).unwrap();
            part[0].as_str().unwrap().repeat(times)
        };
        let content = match &case["content"] {
            Value::Array(parts) => parts.iter().map(repeated).collect(),
            text => text.as_str().unwrap().to_owned(),
        };
        let passages: Vec<_> = cut(&content)
            .into_iter()
            .map(|span| json!([span.start_utf16, span.end_utf16, span.headings]))
            .collect();
        assert_eq!(json!(passages), case["passages"], "{}", case["name"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn passages_hold_every_word_once_and_in_order(content in "([a-z#é🎈.!? \t\r\n]|# |## |\n\n|[a-z]{600}){0,60}") {
        let mut end = 0;
        let mut words = Vec::new();
        for span in cut(&content) {
            prop_assert!(span.start >= end && span.end > span.start);
            prop_assert!(content[end..span.start].chars().all(|c| " \t\r\n".contains(c)));
            end = span.end;
            let text = &content[span.start..span.end];
            prop_assert!(text.chars().count() <= MAX_PASSAGE_CHARS);
            prop_assert_eq!(text.trim_matches([' ', '\t', '\r', '\n']), text);
            let utf16 = content[..span.start].encode_utf16().count();
            prop_assert_eq!(span.start_utf16 as usize, utf16);
            prop_assert_eq!(span.end_utf16 as usize, utf16 + text.encode_utf16().count());
            words.push(text.to_owned());
        }
        prop_assert!(content[end..].chars().all(|c| " \t\r\n".contains(c)));
    }
}
