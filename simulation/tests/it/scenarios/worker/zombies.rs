//! Workers that come back from the dead, and two workers at once: scenarios 15 to 17.

use std::time::Duration;

use shared::domain::{FinishReason, ProviderName, TurnKind};
use shared::ports::EventSource as _;
use simulation::cloud::{ModelScript, ModelStep};
use simulation::faults::{Fault, FaultRule, Function, Gate, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup};
use tokio::time::{Instant, sleep};
use worker::WorkerError;

use super::{
    HIDDEN, asked, calls, generations_shown, replies, reply, request, settle, shown, told, words,
};

/// A visibility timeout below the worker's deadline.
const SHORT: Duration = Duration::from_secs(30);

/// A reply of so many words, one every 500 ms, with its end mark.
fn whole(many: usize) -> ModelScript {
    words(many).into_iter().chain([ModelStep::Finish(FinishReason::Stop)]).collect()
}

/// Lets a second worker have the message as soon as the first one's hold on it ends.
async fn successor(scenario: &Scenario) -> (Duration, Result<(), WorkerError>) {
    let began = Instant::now();
    let again = request(scenario).await;
    let waited = began.elapsed();
    assert_eq!(again.receive_count, 2);
    let result = scenario.work(&again).await.returned().unwrap();
    if result.is_ok() {
        scenario.cloud.requests.delete(&again.receipt).await.unwrap();
    }
    (waited, result)
}

#[tokio::test(start_paused = true)]
async fn s15_a_zombie_whose_turn_another_worker_is_answering_is_refused_and_reports_failure() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    scenario.script_model(ProviderName::Claude, reply("of the dead"));
    // The successor is still at work when the zombie comes to commit.
    scenario.script_model(ProviderName::Claude, whole(60));
    scenario.add_fault(FaultRule::at(
        Function::Worker,
        PortCall::Commit,
        1,
        Fault::FreezeBefore(HIDDEN + Duration::from_secs(20)),
    ));

    let first = request(&scenario).await;
    let (zombie, (waited, second)) = tokio::join!(scenario.work(&first), successor(&scenario));
    assert_eq!(waited.as_secs(), HIDDEN.as_secs());
    let zombie = zombie.returned().unwrap();
    assert!(matches!(zombie, Err(WorkerError::Fenced)), "{zombie:?}");
    second.unwrap();
    assert_eq!((calls(&scenario, PortCall::Commit), told(&scenario, "wrote turn 1 as")), (2, 1));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.generation, turn.text.clone()), (2, "word ".repeat(60)));
    assert_eq!(scenario.model_calls(), 2, "its report brought the message to nobody else");
}

#[tokio::test(start_paused = true)]
async fn s15_a_zombie_whose_turn_is_final_already_changes_nothing() {
    for delivered in [false, true] {
        let (scenario, anna) = asked(ScenarioSetup::default()).await;
        let tab = anna.open_tab(1);
        scenario.script_model(ProviderName::Claude, reply("of the dead"));
        scenario.script_model(ProviderName::Claude, reply("of the living"));
        scenario.add_fault(FaultRule::at(
            Function::Worker,
            PortCall::Commit,
            1,
            Fault::FreezeBefore(HIDDEN + Duration::from_secs(20)),
        ));
        let first = request(&scenario).await;
        let others = async {
            successor(&scenario).await.1.unwrap();
            if delivered {
                scenario.deliver(&replies(&scenario).await).await;
            }
            scenario.turn(&anna, 1).await.unwrap()
        };
        // What was answered is acknowledged with a stale handle, by the mapping.
        let ((), row) = tokio::join!(scenario.answer(&first), others);
        assert_eq!(calls(&scenario, PortCall::Commit), 2, "the zombie tried");
        assert_eq!(scenario.turn(&anna, 1).await.unwrap(), row);
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        let view = tab.view();
        assert_eq!((view.shown.len(), view.shown[0].text.as_str()), (1, "of the living"));
        assert_eq!((scenario.model_calls(), scenario.event_ids().len()), (2, 1));
    }
}

/// Returns the number of the process that claimed the first turn.
fn claimer(scenario: &Scenario) -> String {
    let lines = scenario.cloud.trace.lines();
    let claim = lines.iter().find_map(|line| line.text.split_once(" wrote Claimed")).unwrap();
    claim.0.to_owned()
}

/// Returns what a process called from the moment on when the turn was taken away from it.
fn afterlife(scenario: &Scenario, process: &str) -> Vec<String> {
    let lines = scenario.cloud.trace.lines();
    let after = lines
        .iter()
        .map(|line| line.text.clone())
        .skip_while(|text| !text.contains("wrote Regenerated"));
    after.filter_map(|text| text.strip_prefix(&format!("{process} ")).map(str::to_owned)).collect()
}

/// A queue that hides a message for less time than a worker may take, whatever its settings say.
fn impatient() -> ScenarioSetup {
    let mut setup = ScenarioSetup::default();
    setup.limits.requests_visibility = SHORT;
    setup.setup.requests_visibility = SHORT;
    setup
}

#[tokio::test(start_paused = true)]
async fn s16_a_zombie_that_goes_on_streaming_is_refused_at_its_next_checkpoint() {
    let (scenario, anna) = asked(impatient()).await;
    let tab = anna.open_tab(1);
    settle().await;
    scenario.script_model(ProviderName::Claude, words(100));
    scenario.script_model(ProviderName::Claude, whole(40));
    // It falls after 20 s, and comes back 2.5 s after its successor began, with more shown than
    // that has by then.
    scenario.add_fault(FaultRule::at(
        Function::Worker,
        PortCall::Next,
        42,
        Fault::FreezeBefore(Duration::from_millis(12_500)),
    ));
    let first = request(&scenario).await;
    let delay = async {
        sleep(Duration::from_millis(32_300)).await;
        scenario.add_fault(FaultRule::at(
            Function::Worker,
            PortCall::Checkpoint,
            1,
            Fault::Stall(Duration::from_secs(3)),
        ));
    };
    let (zombie, (_, second), ()) =
        tokio::join!(scenario.work(&first), successor(&scenario), delay);
    let zombie = zombie.returned().unwrap();
    assert!(matches!(zombie, Err(WorkerError::Fenced)), "{zombie:?}");
    second.unwrap();

    let after = afterlife(&scenario, &claimer(&scenario));
    let count = |op: &str| after.iter().filter(|call| *call == op).count();
    assert!(count("Push") > 2 && count("Next") > 2, "it went on: {after:?}");
    assert!(
        count("Checkpoint: call stalled") == 1 && count("Next") < 8,
        "its first checkpoint ended it: {after:?}"
    );
    assert_eq!((count("Commit"), count("Send")), (0, 0), "{after:?}");
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(generations_shown(&scenario, 1), [1, 2]);
    let before = shown(&scenario, 1)
        .into_iter()
        .filter(|(generation, _)| *generation == 1)
        .map(|(_, bytes)| bytes)
        .max();
    assert!(
        before <= Some(41 * "word ".len()),
        "nothing that it said as a zombie was shown: {before:?}"
    );
    assert_eq!((tab.view().shown[0].generation, scenario.model_calls()), (2, 2));
}

/// In the deployment a message returns so late that its zombie finds its provider's stream silent
/// for too long.
#[tokio::test(start_paused = true)]
async fn s16_a_zombie_that_wants_to_begin_anew_is_refused_the_next_generation() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    scenario.script_model(ProviderName::Claude, words(100));
    scenario.script_model(ProviderName::Claude, whole(60));
    scenario.add_fault(FaultRule::at(
        Function::Worker,
        PortCall::Next,
        41,
        Fault::FreezeBefore(HIDDEN),
    ));
    let first = request(&scenario).await;
    let (zombie, (_, second)) = tokio::join!(scenario.work(&first), successor(&scenario));
    let zombie = zombie.returned().unwrap();
    assert!(matches!(zombie, Err(WorkerError::Fenced)), "{zombie:?}");
    second.unwrap();
    assert_eq!(afterlife(&scenario, &claimer(&scenario)), ["Generation", "Get", "Hide"]);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((generations_shown(&scenario, 1), scenario.model_calls()), (vec![1, 2], 2));
}

/// Has one delivery handled by two workers at once, the first of which waits at `op` until the
/// second one is under way.
async fn check_doubled(op: PortCall, begun: bool) {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    settle().await;
    anna.say("m1").await.unwrap();
    if begun {
        scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Open, 1, Fault::CrashBefore));
        assert!(scenario.work(&request(&scenario).await).await.returned().is_none());
    }
    let gate = Gate::new();
    scenario.add_fault(FaultRule::at(Function::Worker, op, 1, Fault::Hold(gate.clone())));
    let delivery = request(&scenario).await;
    let referee = async {
        gate.reached().await;
        sleep(Duration::from_millis(700)).await;
        gate.open();
    };
    let (one, two, ()) = tokio::join!(scenario.work(&delivery), scenario.work(&delivery), referee);
    let one = one.returned().unwrap();
    let two = two.returned().unwrap();
    assert!(one.is_ok(), "{op:?}: {one:?}");
    assert!(
        matches!(two, Err(WorkerError::Fenced)),
        "{op:?}: who was overtaken must not acknowledge: {two:?}"
    );
    let expected = if begun { 3 } else { 2 };
    assert_eq!(scenario.turn(&anna, 1).await.unwrap().epoch.0, expected, "{op:?}");
    assert_eq!(
        (told(&scenario, "wrote turn 1 as"), told(&scenario, "wrote Claimed")),
        (1, 1),
        "{op:?}"
    );
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let view = tab.view();
    assert_eq!(
        (view.shown.len(), view.shown[0].generation, view.shown[0].kind),
        (1, expected, TurnKind::Reply)
    );
    assert_eq!(scenario.event_ids().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s17_of_two_workers_with_the_same_delivery_one_wins_and_the_other_reports_failure() {
    // Both read a message without a turn, and both claim one.
    check_doubled(PortCall::Claim, false).await;
    // Both read a turn of a dead worker, and both take its next generation.
    check_doubled(PortCall::Generation, true).await;
}

#[tokio::test(start_paused = true)]
async fn s17_the_winners_acknowledgement_counts_and_the_losers_report_harms_nobody() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    anna.say("m2").await.unwrap();
    let delivery = request(&scenario).await;
    tokio::join!(scenario.answer(&delivery), scenario.answer(&delivery));
    let lines = scenario.cloud.trace.lines();
    let acknowledged = lines.iter().filter(|line| line.text.starts_with("Requests: ")).count();
    assert_eq!(
        (acknowledged, scenario.cloud.requests.len()),
        (1, 1),
        "only the next message is left"
    );
    let next = request(&scenario).await;
    assert_eq!((next.receive_count, next.body.contains("\"m2\"")), (1, true));
    scenario.answer(&next).await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((tab.view().shown.len(), told(&scenario, "wrote turn 1 as")), (2, 1));
}
