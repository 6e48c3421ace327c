//! Any loss, repeat and reorder heals.

use client::rule::Variant;
use proptest::prelude::*;

use super::story::{stories, violation};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn the_finals_shown_are_the_stored_ones_and_every_text_is_a_prefix_of_a_generation((story, steps) in stories()) {
        prop_assert_eq!(violation(Variant::Faithful, &story, &steps), None);
    }
}
