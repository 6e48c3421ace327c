//! What modelling the design found: each of these broke an earlier version of it.

mod analytics;
mod claims;
mod deletion;
mod end_of_life;
mod lost_finals;
mod order;
mod slow_tab;
mod stops;

use std::time::Duration;

use shared::domain::FinishReason;
use simulation::cloud::{ModelScript, ModelStep};
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::{Instant, sleep};

/// A reply of so many words, one a second.
fn words(count: usize) -> ModelScript {
    let word =
        |at| [ModelStep::Say(format!("word {at} ")), ModelStep::Wait(Duration::from_secs(1))];
    (0..count).flat_map(word).chain([ModelStep::Finish(FinishReason::Stop)]).collect()
}

/// Waits until something holds, and returns how long that took; gives up after a minute.
#[track_caller]
fn until(holds: impl Fn() -> bool) -> impl Future<Output = Duration> {
    let caller = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_mins(1), "{caller}: it never came to that");
            sleep(Duration::from_millis(10)).await;
        }
        began.elapsed()
    }
}

/// Returns the sort keys of a session's rows.
async fn rows(scenario: &Scenario, user: &ScenarioUser) -> Vec<String> {
    scenario.rows(user).await.into_iter().map(|row| row.key.sort).collect()
}

/// Returns the types of the events that were published.
fn event_types(scenario: &Scenario) -> Vec<&'static str> {
    scenario.cloud.events.published().into_iter().map(|event| event.detail_type).collect()
}
