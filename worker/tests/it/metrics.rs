//! What is measured of a turn, and how often.

use std::sync::Arc;
use std::time::Duration;

use providers::client::ClientSettings;
use providers::{ClaudeModel, ClaudeSettings, client};
use shared::domain::{ContextUse, ErrorCode, FinishReason, ProviderName, TurnKind};
use shared::environment::Environment;
use shared::memory::MemorySecrets;
use shared::ports::{Attempts, SigningKeys, TurnMeasure};

use crate::support::model::Failure;
use crate::support::world::{Ended, pass};
use crate::support::{FakeModel, Fault, PortCall, Setup, Step, World, fail, finish, says, wait};

const TEXT: &str = "Period 3 is maths.";

fn good() -> Vec<Step> {
    [wait(10), says(TEXT, Duration::ZERO), finish()].concat()
}

fn dies() -> Vec<Step> {
    [says("Period ", Duration::from_millis(10)), fail(Failure::Broken)].concat()
}

fn only(world: &World) -> TurnMeasure {
    let [measure] = world.metrics.turns().try_into().expect("one turn is measured once");
    measure
}

async fn answer(models: &[&Arc<FakeModel>]) -> TurnMeasure {
    let world = World::of(Setup::new(models.iter().map(|model| (*model).clone()).collect()));
    world.say("m1").await;
    world.drain().await;
    only(&world)
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_measured_as_it_was_committed() {
    let world = World::new(&FakeModel::claude(vec![good()]));
    let id = world.say("m1").await;
    pass(500).await;
    world.drain().await;
    let measure = only(&world);
    let turn = world.final_of(1).await;
    assert_eq!(
        (&measure.session_key, &measure.message_id, measure.turn),
        (&world.key, &id, turn.turn)
    );
    assert_eq!(
        (measure.kind, measure.finish_reason, measure.error),
        (TurnKind::Reply, FinishReason::Stop, None)
    );
    assert_eq!((measure.provider, &measure.model), (turn.provider, &turn.model));
    assert_eq!(
        (measure.usage, measure.cost, measure.context),
        (turn.usage, turn.cost_micro_usd, ContextUse::None)
    );
    assert_eq!((measure.timings, &measure.trace), (turn.timings, &turn.trace));
    assert!(
        measure.timings.queue_ms >= 500 && measure.timings.total_ms >= measure.timings.queue_ms
    );
    assert_eq!((measure.attempts, measure.restarts), (Attempts::default(), 0));
    assert!(measure.requested_model.is_some());
}

#[tokio::test(start_paused = true)]
async fn repeated_calls_and_calls_of_another_provider_are_told_apart() {
    let model = FakeModel::claude(vec![fail(Failure::Broken), fail(Failure::Broken), good()]);
    assert_eq!(
        answer(&[&model]).await.attempts,
        Attempts { retries: 2, fallbacks: 0, failures: 2 }
    );

    let claude = FakeModel::claude(vec![fail(Failure::Busy(Some(Duration::from_secs(9))))]);
    let measure = answer(&[&claude, &FakeModel::openai(vec![good()])]).await;
    assert_eq!(measure.attempts, Attempts { retries: 0, fallbacks: 1, failures: 1 });
    assert_eq!(measure.provider, Some(ProviderName::OpenAi));
}

#[tokio::test(start_paused = true)]
async fn a_generation_begun_anew_is_a_restart() {
    let measure = answer(&[&FakeModel::claude(vec![dies(), good()])]).await;
    assert_eq!(
        (measure.restarts, measure.attempts),
        (1, Attempts { retries: 1, fallbacks: 0, failures: 1 })
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_turn_is_measured_with_its_error() {
    let measure = answer(&[&FakeModel::claude(vec![fail(Failure::Unauthorized)])]).await;
    assert_eq!(
        (measure.kind, measure.error),
        (TurnKind::Error, Some(ErrorCode::ProvidersRejected))
    );
    assert_eq!(
        (measure.usage, measure.is_unpriced(), measure.timings.first_token_ms),
        (None, false, None)
    );
    // A refused key is fetched anew and tried once more.
    assert_eq!(measure.attempts, Attempts { retries: 1, fallbacks: 0, failures: 2 });
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_acknowledgement_is_lost_is_measured_once() {
    let world = World::new(&FakeModel::claude(vec![good()]));
    world.say("m1").await;
    world.faults.on(PortCall::Commit, 1, Fault::LoseAck);
    world.drain().await;
    assert_eq!(only(&world).kind, TurnKind::Reply);
}

#[tokio::test(start_paused = true)]
async fn a_final_that_is_sent_again_is_not_measured_again() {
    let world = World::new(&FakeModel::claude(vec![good()]));
    world.say("m1").await;
    world.faults.on(PortCall::Send, 1, Fault::Fail);
    assert!(matches!(world.deliver().await, Ended::Failed(_)));
    world.drain().await;
    assert_eq!((only(&world).kind, world.enqueued().await), (TurnKind::Reply, vec![1]));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_was_overtaken_measures_nothing() {
    let world = Arc::new(World::new(&FakeModel::claude(vec![good()])));
    world.say("m1").await;
    let gate = world.faults.hold(PortCall::Commit, 1);
    let zombie = world.begin().await;
    gate.reached().await;
    pass(160_000).await;
    world.drain().await;
    gate.open();
    assert!(matches!(zombie.await.unwrap(), Ended::Acked));
    assert_eq!(only(&world).restarts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_turn_is_measured_as_cancelled() {
    let world = Arc::new(World::new(&FakeModel::claude(vec![good()])));
    let id = world.say("m1").await;
    world.stop(&id).await;
    world.drain().await;
    let measure = only(&world);
    assert_eq!(
        (measure.kind, measure.finish_reason),
        (TurnKind::Cancelled, FinishReason::Cancelled)
    );
    assert_eq!((measure.provider, measure.requested_model), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_its_successor_ends_is_measured_as_abandoned() {
    let world = Arc::new(World::new(&FakeModel::claude(vec![vec![Step::Hang], good()])));
    world.say("m1").await;
    let dead = world.begin().await;
    pass(100).await;
    dead.abort();
    let lost = loop {
        if let Some(delivery) =
            shared::ports::EventSource::receive(world.requests.as_ref(), 1).await.unwrap().pop()
        {
            break delivery;
        }
        shared::ports::EventSource::ready(world.requests.as_ref()).await;
    };
    shared::ports::EventSource::delete(world.requests.as_ref(), &lost.receipt).await.unwrap();
    world.say("m2").await;
    world.drain().await;
    let errors: Vec<_> = world
        .metrics
        .turns()
        .into_iter()
        .map(|measure| (measure.turn.get(), measure.error))
        .collect();
    assert_eq!(errors, [(1, Some(ErrorCode::Abandoned)), (2, None)]);
}

fn claude_without_a_key() -> Arc<ClaudeModel> {
    let secrets = Arc::new(MemorySecrets::new(SigningKeys(Vec::new())));
    let settings = ClaudeSettings::from_env(&Environment::default()).unwrap();
    let client = client::build(ClientSettings::from_env(&Environment::default()).unwrap()).unwrap();
    Arc::new(ClaudeModel::new(settings, secrets, client))
}

#[tokio::test(start_paused = true)]
async fn a_provider_without_a_key_is_not_asked_and_is_no_failure() {
    let setup = Setup::new(vec![FakeModel::openai(vec![good()])]);
    let world = World::of(Setup { own: Some(claude_without_a_key()), ..setup });
    world.say("m1").await;
    world.drain().await;
    let measure = only(&world);
    assert_eq!(
        (measure.provider, measure.attempts),
        (Some(ProviderName::OpenAi), Attempts::default())
    );
}

#[tokio::test(start_paused = true)]
async fn without_any_key_a_turn_ends_at_once() {
    let world = World::of(Setup { own: Some(claude_without_a_key()), ..Setup::new(Vec::new()) });
    world.say("m1").await;
    world.drain().await;
    let measure = only(&world);
    assert_eq!(
        (measure.error, measure.attempts),
        (Some(ErrorCode::NoProvider), Attempts::default())
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_with_little_time_left_gives_up_before_it_ends() {
    let world = Arc::new(World::new(&FakeModel::claude(vec![vec![Step::Hang]])));
    world.say("m1").await;
    let delivery = world.receive().await;
    let began = world.elapsed();
    let result = world.worker.handle_within(&delivery, Duration::from_secs(12)).await;
    assert!(matches!(result, Err(worker::WorkerError::Deadline)));
    assert_eq!(world.elapsed().abs_diff(began), Duration::from_secs(12));
    assert!(world.metrics.turns().is_empty());
}
