//! The price list.

use proptest::prelude::*;
use providers::{Prices, PricesError};
use shared::domain::{MicroUsd, ProviderName, Usage};

use super::corpus::{Seed, corpus, table};
use super::mutations::{json, mutants, reshaped};

const CORPUS: &str = "tests/corpus/prices";
const MODELS: [&str; 3] = ["claude-haiku-5-5", "gpt-6-luna", "llama-9"];

fn seeds() -> Vec<Seed> {
    let mut seeds = corpus(CORPUS);
    seeds.push(Seed {
        name: "prices.json".to_owned(),
        bytes: std::fs::read("prices.json").unwrap(),
    });
    seeds
}

/// Reads a list, checks what holds for every list, and says what a million tokens cost, or what is
/// wrong.
fn read(text: &str) -> String {
    let million = Usage { input_tokens: 1_000_000, output_tokens: 1_000_000, ..Usage::default() };
    let most = Usage {
        input_tokens: u64::MAX,
        cached_input_tokens: u64::MAX,
        cache_write_tokens: u64::MAX,
        output_tokens: u64::MAX,
    };
    let prices = match Prices::parse("the-list.json", text) {
        Ok(prices) => prices,
        Err(error) => return refused(&error),
    };
    let cost = |model: &str| {
        for usage in [Usage::default(), million, most] {
            assert!(prices.budget_cost(ProviderName::Claude, model, usage) >= MicroUsd(0));
        }
        assert!(
            prices.highest_cost(ProviderName::Claude, model, u64::MAX, u32::MAX) >= MicroUsd(0)
        );
        prices.cost(ProviderName::Claude, model, million).map(|cost| cost.0)
    };
    MODELS.map(|model| format!("{model} {:?}", cost(model))).join(", ")
}

/// Checks that an error names the file, then a place in it, then what is wrong.
fn refused(error: &PricesError) -> String {
    let text = error.to_string();
    let told = text.strip_prefix("the-list.json: ").unwrap_or_else(|| panic!("{text}"));
    let known = ["the file: ", "unit: ", "models["].iter().any(|place| told.starts_with(place));
    assert!(
        known && told.split_once(": ").is_some_and(|(_, problem)| !problem.is_empty()),
        "{text}"
    );
    text
}

#[test]
fn lists_of_the_corpus_cost_this() {
    let outcome = |seed: &Seed| (seed.name.clone(), super::corpus::short(&read(seed.text())));
    insta::assert_snapshot!(table(seeds().iter().map(outcome)));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_damaged_list_is_a_list_or_says_what_is_wrong(damaged in mutants(&seeds())) {
        read(&String::from_utf8_lossy(&damaged));
    }

    #[test]
    fn a_list_of_another_shape_is_a_list_or_says_what_is_wrong(
        list in reshaped(&seeds()),
        value in json(),
    ) {
        read(&list);
        read(&value.to_string());
    }
}
