//! Replies that take their time.

use std::time::Duration;

use shared::domain::{FinishReason, ProviderName};
use simulation::cloud::ModelStep;
use simulation::scenario::Scenario;

/// What [`plot_slow`]'s reply is in the end: characters of every width in UTF-8 and in UTF-16.
pub(super) const WORDS: [&str; 8] =
    ["Period", " 3", " is", " maths", ", in", " Zürich", " 課程", " 🎈."];

/// Plots a reply of eight pieces, each followed by a second of nothing.
pub(super) fn plot_slow(scenario: &Scenario) {
    let pause = ModelStep::Wait(Duration::from_secs(1));
    let pieces =
        WORDS.into_iter().flat_map(|word| [ModelStep::Say(word.to_owned()), pause.clone()]);
    scenario.script_model(
        ProviderName::Claude,
        pieces.chain([ModelStep::Finish(FinishReason::Stop)]).collect(),
    );
}
