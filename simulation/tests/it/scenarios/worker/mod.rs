//! The worker: scenarios 10 to 30.

mod context;
mod crashes;
mod poison;
mod providers;
mod redelivery;
mod replies;
mod stopping;
mod zombies;

use std::time::Duration;

use shared::domain::sha256_hex;
use shared::domain::{FinishReason, ProviderName};
use shared::ports::{Delivery, Durability, EventSource as _, OutgoingMessage, Queue as _};
use simulation::cloud::{ModelScript, ModelStep};
use simulation::faults::{Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::{sleep, timeout};

/// How long a worker of the deployment keeps a message hidden that it does not report on: its
/// deadline and a margin.
const HIDDEN: Duration = Duration::from_secs(150);

/// Sets up a scenario with Anna and one queued message of hers; nothing runs by itself.
async fn asked(setup: ScenarioSetup) -> (Scenario, ScenarioUser) {
    let scenario = setup.build().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    (scenario, anna)
}

/// Lets frames on their way arrive, and tabs connect.
async fn settle() {
    sleep(Duration::from_secs(1)).await;
}

/// A whole reply at once.
fn reply(text: &str) -> ModelScript {
    vec![ModelStep::Say(text.to_owned()), ModelStep::Finish(FinishReason::Stop)]
}

/// A reply in pieces, each followed by a pause, without its end mark.
fn pieces(text: &[&str], pause: Duration) -> ModelScript {
    text.iter()
        .flat_map(|piece| [ModelStep::Say((*piece).to_owned()), ModelStep::Wait(pause)])
        .collect()
}

/// A reply of so many pieces `"word "`, one every 500 ms, without its end mark.
fn words(many: usize) -> ModelScript {
    pieces(&vec!["word "; many], Duration::from_millis(500))
}

/// Lets the next calls of both providers follow a plot.
fn plot_both(scenario: &Scenario, script: &ModelScript, calls: usize) {
    for provider in [ProviderName::Claude, ProviderName::OpenAi] {
        for _ in 0..calls {
            scenario.script_model(provider, script.clone());
        }
    }
}

/// Counts a worker's calls of a kind.
fn calls(scenario: &Scenario, op: PortCall) -> usize {
    scenario.faults.calls(Function::Worker, op)
}

/// Counts the lines of the scenario's trace that contain a text.
fn told(scenario: &Scenario, text: &str) -> usize {
    scenario.cloud.trace.lines().iter().filter(|line| line.text.contains(text)).count()
}

/// Returns which generations of a turn a tab showed provisional text of, and how many bytes, in the
/// order shown.
fn shown(scenario: &Scenario, turn: u64) -> Vec<(u64, usize)> {
    let lines = scenario.cloud.trace.lines();
    let parse = |text: &str| {
        let (bytes, of) =
            text.strip_prefix("tab1 shows ")?.split_once(&format!(" bytes of turn {turn}."))?;
        Some((of.parse().ok()?, bytes.parse().ok()?))
    };
    lines.iter().filter_map(|line| parse(&line.text)).collect()
}

/// Returns which generations of a turn a tab showed provisional text of, each once, in the order
/// shown.
fn generations_shown(scenario: &Scenario, turn: u64) -> Vec<u64> {
    let mut generations: Vec<u64> =
        shown(scenario, turn).into_iter().map(|(generation, _)| generation).collect();
    generations.dedup();
    generations
}

/// Puts a body on the queue of requests, in a session's group.
async fn put(scenario: &Scenario, user: &ScenarioUser, body: String) {
    let group = user.key.to_string();
    let deduplication_id = sha256_hex(&body);
    let outgoing =
        OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced };
    scenario.cloud.requests.send(outgoing).await.unwrap();
}

/// Waits for the next request and receives it; nothing takes longer to come back than this waits.
async fn request(scenario: &Scenario) -> Delivery {
    timeout(Duration::from_hours(1), scenario.request()).await.expect("a request should be there")
}

/// Waits for replies and receives them; nothing takes longer to come back than this waits.
async fn replies(scenario: &Scenario) -> Vec<Delivery> {
    timeout(Duration::from_hours(1), scenario.replies()).await.expect("a reply should be there")
}

/// Takes the next request off its queue for good, and returns its body.
async fn intercept(scenario: &Scenario) -> String {
    let delivery = request(scenario).await;
    scenario.cloud.requests.delete(&delivery.receipt).await.unwrap();
    delivery.body
}
