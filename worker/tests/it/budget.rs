//! Step 4 of the protocol: what may be spent a day.

use std::sync::Arc;
use std::time::Duration;

use providers::Prices;
use shared::domain::{ErrorCode, MicroUsd, ProviderName, TurnKind, Usage};
use shared::environment::Environment;
use shared::ports::store::Key;
use shared::ports::{Model, Store as _};
use worker::config::Budgets;

use crate::support::model::Failure;
use crate::support::world::{Ended, pass, principal};
use crate::support::{FakeModel, Fault, PortCall, Setup, Step, World, fail, finish, says};

const STACK: &str = "CHATBOT_DAILY_BUDGET_USD";
const PRINCIPAL: &str = "CHATBOT_PRINCIPAL_DAILY_BUDGET_USD";
const TEXT: &str = "Period 3 is maths.";
const TODAY: &str = "2026-11-23";
/// What [`reply`] costs.
const COST: i64 = 200;
/// What it would cost with the dearest model of the list.
const DEAREST: i64 = 8_000;

fn usage() -> Step {
    Step::Usage(Usage { input_tokens: 1_000, output_tokens: 200, ..Usage::default() })
}

fn reply() -> Vec<Step> {
    [vec![usage()], says(TEXT, Duration::from_millis(600)), finish()].concat()
}

fn model(scripts: Vec<Vec<Step>>) -> Arc<FakeModel> {
    FakeModel::new(ProviderName::Claude, "claude-haiku-5-5", scripts)
}

fn world(model: &Arc<FakeModel>, stack: &str, principal: &str) -> Arc<World> {
    let setup = Setup::new(vec![model.clone()]).with(STACK, stack).with(PRINCIPAL, principal);
    Arc::new(World::of(setup))
}

async fn spent(world: &World, day: &str) -> [i64; 2] {
    let hash = principal().hash();
    let key = |who: &str| Key::new(format!("budget#{day}#{who}"), "N");
    let items = world.table.get(&[key("stack"), key(hash.as_str())]).await.unwrap();
    let spent: Vec<i64> = items
        .iter()
        .map(|item| item.as_ref().and_then(|item| item.number("spent")).unwrap_or(0))
        .collect();
    [spent[0], spent[1]]
}

#[tokio::test(start_paused = true)]
async fn a_call_is_reserved_at_its_highest_cost_and_settled_at_its_real_one() {
    let model = model(vec![reply()]);
    let world = world(&model, "1", "0.5");
    world.say("m1").await;
    let delivery = world.begin().await;
    pass(100).await;
    let [stack, principal] = spent(&world, TODAY).await;
    assert!(stack == principal && stack > 512, "1,024 tokens of output alone are 512: {stack}");
    delivery.await.unwrap();
    assert_eq!(spent(&world, TODAY).await, [COST, COST]);
    assert_eq!(world.final_of(1).await.cost_micro_usd.unwrap().0, COST);
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_is_an_error_without_a_model_call() {
    for (stack, principal) in [("0.0001", "0.5"), ("1", "0.0001"), ("0", "0")] {
        let model = model(vec![reply()]);
        let world = world(&model, stack, principal);
        world.say("m1").await;
        world.drain().await;
        let turn = world.final_of(1).await;
        assert_eq!(
            (turn.kind, turn.error.unwrap().code),
            (Some(TurnKind::Error), ErrorCode::BudgetExhausted)
        );
        assert_eq!((model.calls(), world.enqueued().await), (0, vec![1]));
        let message = world.final_of(1).await.error.unwrap().message;
        assert_eq!(message, "The budget for answers is too small for this question.");
        assert_eq!(spent(&world, TODAY).await, [0, 0], "what the first had reserved is given back");
    }
}

#[tokio::test(start_paused = true)]
async fn the_day_ends_when_the_next_call_would_not_fit() {
    let model = model(vec![reply()]);
    let world = world(&model, "1", "0.0012");
    for number in 1..=5 {
        world.say(&format!("m{number}")).await;
    }
    world.drain().await;
    let mut kinds = Vec::new();
    for number in 1..=5 {
        kinds.push(world.final_of(number).await.kind.unwrap());
    }
    let replies = kinds.iter().filter(|kind| **kind == TurnKind::Reply).count();
    assert!(
        (1..5).contains(&replies) && kinds[replies..].iter().all(|kind| *kind == TurnKind::Error),
        "{kinds:?}"
    );
    assert!(spent(&world, TODAY).await[1] <= 1_200);
    assert_eq!(model.calls(), replies);
    pass(18 * 3_600_000).await;
    world.say("tomorrow").await;
    world.drain().await;
    assert_eq!(world.final_of(6).await.kind, Some(TurnKind::Reply), "another day, another budget");
}

#[tokio::test(start_paused = true)]
async fn a_crash_leaves_its_reservation_for_the_day() {
    let model = model(vec![reply()]);
    let world = world(&model, "1", "0.5");
    world.say("m1").await;
    world.faults.on(PortCall::Next, 3, Fault::CrashBefore);
    assert!(matches!(world.deliver().await, Ended::Crashed));
    let [reserved, _] = spent(&world, TODAY).await;
    assert!(reserved > 512);
    world.drain().await;
    assert_eq!(spent(&world, TODAY).await, [reserved + COST; 2]);
}

#[tokio::test(start_paused = true)]
async fn every_call_is_settled_whatever_becomes_of_it() {
    let dies =
        [vec![usage()], says("Period ", Duration::from_millis(10)), fail(Failure::Broken)].concat();
    let model = model(vec![fail(Failure::Busy(None)), dies, reply()]);
    let world = world(&model, "1", "0.5");
    world.say("m1").await;
    world.drain().await;
    assert_eq!(spent(&world, TODAY).await, [2 * COST; 2], "a refused call costs nothing");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_call_is_settled_with_what_it_used() {
    let model = model(vec![reply()]);
    let world = world(&model, "1", "0.5");
    let id = world.say("m1").await;
    let delivery = world.begin().await;
    pass(1_500).await;
    world.stop(&id).await;
    delivery.await.unwrap();
    assert_eq!(world.final_of(1).await.kind, Some(TurnKind::Cancelled));
    assert_eq!(spent(&world, TODAY).await, [COST; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_settled_though_its_commit_is_refused() {
    let model = model(vec![reply()]);
    let world = world(&model, "1", "0.5");
    world.say("m1").await;
    let gate = world.faults.hold(PortCall::Commit, 1);
    let zombie = world.begin().await;
    gate.reached().await;
    pass(160_000).await;
    world.drain().await;
    gate.open();
    zombie.await.unwrap();
    assert_eq!(spent(&world, TODAY).await, [2 * COST; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_settlement_is_never_tried_twice() {
    for fault in [Fault::Fail, Fault::LoseAck] {
        let model = model(vec![reply()]);
        let world = world(&model, "1", "0.5");
        world.say("m1").await;
        world.faults.on(PortCall::Count, 3, fault);
        assert!(matches!(world.deliver().await, Ended::Acked));
        assert_eq!(world.faults.count(PortCall::Count), 4, "two reservations, two settlements");
        assert_eq!(world.final_of(1).await.kind, Some(TurnKind::Reply));
        assert_eq!(spent(&world, TODAY).await[1], COST);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_over_midnight_is_settled_on_the_day_that_it_came_from() {
    let model = model(vec![reply()]);
    let world = world(&model, "1", "0.5");
    let midnight = Duration::from_hours(18) - Duration::from_mins(11);
    pass(u64::try_from(midnight.as_millis()).unwrap() - 1_000).await;
    world.say("m1").await;
    world.drain().await;
    assert_eq!(spent(&world, TODAY).await, [COST; 2]);
    assert_eq!(spent(&world, "2026-11-24").await, [0; 2]);
}

#[tokio::test(start_paused = true)]
async fn an_unpriced_model_counts_at_the_dearest_price_and_shows_none() {
    let model = FakeModel::claude(vec![reply()]);
    let world = world(&model, "1", "0.5");
    world.say("m1").await;
    world.drain().await;
    assert_eq!(spent(&world, TODAY).await, [DEAREST; 2]);
    assert_eq!(world.final_of(1).await.cost_micro_usd, None);
}

#[test]
fn a_budget_needs_the_prices_of_all_models() {
    let llama = FakeModel::new(ProviderName::OpenAi, "llama-9", Vec::new());
    let models: [Arc<dyn Model>; 2] = [model(Vec::new()), llama];
    let budget = Budgets { stack: Some(MicroUsd(1_500_000)), principal: None };
    let built_in = Prices::built_in().unwrap();
    assert_eq!(
        budget.require_prices(&models, &built_in).unwrap_err().to_string(),
        "CHATBOT_DAILY_BUDGET_USD is \"1.5\", but the model \"llama-9\" has no price, so that no \
        budget can be kept: add its price by CHATBOT_PRICES, or remove the budget"
    );
    Budgets::default().require_prices(&models, &built_in).unwrap();
    let own = r#"{"unit": "micro-USD per million tokens", "models": [{"model": "llama-9",
        "source": "our machine", "read": "2026-11", "tiers": [{"input": 1, "output": 1}]}]}"#;
    let own = Prices::from_env(&Environment::default().with("CHATBOT_PRICES", own)).unwrap();
    budget.require_prices(&models, &own).unwrap();
}
