//! A provider's key that is rotated while workers run.
//!
//! The signing keys' rotation is shown at the door itself: `ingress/tests/it/platform.rs`.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use shared::domain::ProviderName;
use shared::domain::ProviderName::{Claude, OpenAi};
use shared::domain::TurnKind;
use shared::ports::Secrets as _;
use simulation::cloud::ModelStep;
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::sleep;

/// Sets the key that the vault holds from now on; the provider refuses the one before in its next
/// call.
fn rotate(scenario: &Scenario, key: &str) {
    scenario.cloud.secrets.set(Claude, SecretString::from(key));
    scenario.script_model(Claude, vec![ModelStep::Unauthorized]);
}

/// Sends a message, and checks who answered it after how many calls, and which key is in use then.
async fn check(
    scenario: &Scenario,
    anna: &ScenarioUser,
    number: u64,
    expected: (ProviderName, usize, &str),
) {
    let before = scenario.model_calls();
    anna.say(&format!("m{number}")).await.unwrap();
    scenario.run_queues().await;
    let turn = scenario.turn(anna, number).await.unwrap();
    assert_eq!((turn.kind, turn.epoch.0), (Some(TurnKind::Reply), 1), "turn {number}");
    let key = scenario.cloud.secrets.provider_key(Claude).await.unwrap().unwrap();
    let found = (turn.provider.unwrap(), scenario.model_calls() - before, key.expose_secret());
    assert_eq!(found, expected, "turn {number}");
}

#[tokio::test(start_paused = true)]
async fn s51_a_key_rotated_in_mid_run_is_fetched_once_more_and_nobody_notices() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    scenario.cloud.secrets.set(Claude, SecretString::from("monday"));
    check(&scenario, &anna, 1, (Claude, 1, "monday")).await;
    rotate(&scenario, "tuesday");
    check(&scenario, &anna, 2, (Claude, 2, "tuesday")).await;
    check(&scenario, &anna, 3, (Claude, 1, "tuesday")).await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(
        scenario.cloud.secrets.provider_key(OpenAi).await.unwrap().unwrap().expose_secret(),
        "simulated"
    );
}

#[tokio::test(start_paused = true)]
async fn s51_keys_are_fetched_at_most_once_a_minute_and_the_other_provider_answers_meanwhile() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    scenario.cloud.secrets.set(Claude, SecretString::from("monday"));
    check(&scenario, &anna, 1, (Claude, 1, "monday")).await;
    rotate(&scenario, "tuesday");
    check(&scenario, &anna, 2, (Claude, 2, "tuesday")).await;
    rotate(&scenario, "wednesday");
    check(&scenario, &anna, 3, (OpenAi, 2, "tuesday")).await;
    sleep(Duration::from_mins(1)).await;
    scenario.script_model(Claude, vec![ModelStep::Unauthorized]);
    check(&scenario, &anna, 4, (Claude, 2, "wednesday")).await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}
