//! Workers that come back from the dead, and two workers at once: scenarios 15 to 17.

use std::time::Duration;

use shared::domain::{FinishReason, ProviderName, TurnKind};
use shared::ports::EventSource as _;
use simulation::cloud::{Piece, Plot};
use simulation::faults::{Fault, Function, Gate, Op, Rule};
use simulation::stage::{Scene, Stage};
use tokio::time::{Instant, sleep};
use worker::WorkerError;

use super::{
    HIDDEN, asked, calls, generations_shown, replies, reply, request, settle, shown, told, words,
};

/// A visibility timeout below the worker's deadline.
const SHORT: Duration = Duration::from_secs(30);

/// A reply of so many words, one every 500 ms, with its end mark.
fn whole(many: usize) -> Plot {
    words(many).into_iter().chain([Piece::Finish(FinishReason::Stop)]).collect()
}

/// Lets a second worker have the message as soon as the first one's hold on it ends.
async fn successor(stage: &Stage) -> (Duration, Result<(), WorkerError>) {
    let began = Instant::now();
    let again = request(stage).await;
    let waited = began.elapsed();
    assert_eq!(again.receive_count, 2);
    let result = stage.work(&again).await.returned().unwrap();
    if result.is_ok() {
        stage.cloud.requests.delete(&again.receipt).await.unwrap();
    }
    (waited, result)
}

#[tokio::test(start_paused = true)]
async fn s15_a_zombie_whose_turn_another_worker_is_answering_is_refused_and_reports_failure() {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    stage.plot(ProviderName::Claude, reply("of the dead"));
    // The successor is still at work when the zombie comes to commit.
    stage.plot(ProviderName::Claude, whole(60));
    stage.lay(Rule::at(
        Function::Worker,
        Op::Commit,
        1,
        Fault::FreezeBefore(HIDDEN + Duration::from_secs(20)),
    ));

    let first = request(&stage).await;
    let (zombie, (waited, second)) = tokio::join!(stage.work(&first), successor(&stage));
    assert_eq!(waited.as_secs(), HIDDEN.as_secs());
    let zombie = zombie.returned().unwrap();
    assert!(matches!(zombie, Err(WorkerError::Fenced)), "{zombie:?}");
    second.unwrap();
    assert_eq!((calls(&stage, Op::Commit), told(&stage, "wrote turn 1 as")), (2, 1));
    stage.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.generation, turn.text.clone()), (2, "word ".repeat(60)));
    assert_eq!(stage.model_calls(), 2, "its report brought the message to nobody else");
}

#[tokio::test(start_paused = true)]
async fn s15_a_zombie_whose_turn_is_final_already_changes_nothing() {
    for delivered in [false, true] {
        let (stage, anna) = asked(Scene::default()).await;
        let tab = anna.open_tab(1);
        stage.plot(ProviderName::Claude, reply("of the dead"));
        stage.plot(ProviderName::Claude, reply("of the living"));
        stage.lay(Rule::at(
            Function::Worker,
            Op::Commit,
            1,
            Fault::FreezeBefore(HIDDEN + Duration::from_secs(20)),
        ));
        let first = request(&stage).await;
        let others = async {
            successor(&stage).await.1.unwrap();
            if delivered {
                stage.deliver(&replies(&stage).await).await;
            }
            stage.turn(&anna, 1).await.unwrap()
        };
        // What was answered is acknowledged with a stale handle, by the mapping.
        let ((), row) = tokio::join!(stage.answer(&first), others);
        assert_eq!(calls(&stage, Op::Commit), 2, "the zombie tried");
        assert_eq!(stage.turn(&anna, 1).await.unwrap(), row);
        stage.end(&[(&anna, &tab)]).await.unwrap();
        let view = tab.view();
        assert_eq!((view.shown.len(), view.shown[0].text.as_str()), (1, "of the living"));
        assert_eq!((stage.model_calls(), stage.event_ids().len()), (2, 1));
    }
}

/// Returns the number of the process that claimed the first turn.
fn claimer(stage: &Stage) -> String {
    let lines = stage.cloud.trace.lines();
    let claim = lines.iter().find_map(|line| line.text.split_once(" wrote Claimed")).unwrap();
    claim.0.to_owned()
}

/// Returns what a process called from the moment on when the turn was taken away from it.
fn afterlife(stage: &Stage, process: &str) -> Vec<String> {
    let lines = stage.cloud.trace.lines();
    let after = lines
        .iter()
        .map(|line| line.text.clone())
        .skip_while(|text| !text.contains("wrote Regenerated"));
    after.filter_map(|text| text.strip_prefix(&format!("{process} ")).map(str::to_owned)).collect()
}

/// A queue that hides a message for less time than a worker may take, whatever its settings say.
fn impatient() -> Scene {
    let mut scene = Scene::default();
    scene.limits.requests_visibility = SHORT;
    scene.setup.requests_visibility = SHORT;
    scene
}

#[tokio::test(start_paused = true)]
async fn s16_a_zombie_that_goes_on_streaming_is_refused_at_its_next_checkpoint_and_its_frames_are_dropped()
 {
    let (stage, anna) = asked(impatient()).await;
    let tab = anna.open_tab(1);
    settle().await;
    stage.plot(ProviderName::Claude, words(100));
    stage.plot(ProviderName::Claude, whole(40));
    // It falls after 20 s, and comes back 2.5 s after its successor began, with more shown than
    // that has by then.
    stage.lay(Rule::at(
        Function::Worker,
        Op::Next,
        42,
        Fault::FreezeBefore(Duration::from_millis(12_500)),
    ));
    let first = request(&stage).await;
    let delay = async {
        sleep(Duration::from_millis(32_300)).await;
        stage.lay(Rule::at(
            Function::Worker,
            Op::Checkpoint,
            1,
            Fault::Stall(Duration::from_secs(3)),
        ));
    };
    let (zombie, (_, second), ()) = tokio::join!(stage.work(&first), successor(&stage), delay);
    let zombie = zombie.returned().unwrap();
    assert!(matches!(zombie, Err(WorkerError::Fenced)), "{zombie:?}");
    second.unwrap();

    let after = afterlife(&stage, &claimer(&stage));
    let count = |op: &str| after.iter().filter(|call| *call == op).count();
    assert!(count("Push") > 2 && count("Next") > 2, "it went on: {after:?}");
    assert!(
        count("Checkpoint: call stalled") == 1 && count("Next") < 8,
        "its first checkpoint ended it: {after:?}"
    );
    assert_eq!((count("Commit"), count("Send")), (0, 0), "{after:?}");
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(generations_shown(&stage, 1), [1, 2]);
    let before = shown(&stage, 1)
        .into_iter()
        .filter(|(generation, _)| *generation == 1)
        .map(|(_, bytes)| bytes)
        .max();
    assert!(
        before <= Some(41 * "word ".len()),
        "nothing that it said as a zombie was shown: {before:?}"
    );
    assert_eq!((tab.view().shown[0].generation, stage.model_calls()), (2, 2));
}

/// In the deployment a message returns so late that its zombie finds its provider's stream silent
/// for too long.
#[tokio::test(start_paused = true)]
async fn s16_a_zombie_that_wants_to_begin_anew_is_refused_the_next_generation() {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    stage.plot(ProviderName::Claude, words(100));
    stage.plot(ProviderName::Claude, whole(60));
    stage.lay(Rule::at(Function::Worker, Op::Next, 41, Fault::FreezeBefore(HIDDEN)));
    let first = request(&stage).await;
    let (zombie, (_, second)) = tokio::join!(stage.work(&first), successor(&stage));
    let zombie = zombie.returned().unwrap();
    assert!(matches!(zombie, Err(WorkerError::Fenced)), "{zombie:?}");
    second.unwrap();
    assert_eq!(afterlife(&stage, &claimer(&stage)), ["Generation", "Get", "Hide"]);
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((generations_shown(&stage, 1), stage.model_calls()), (vec![1, 2], 2));
}

/// Has one delivery handled by two workers at once, the first of which waits at `op` until the
/// second one is under way.
async fn check_doubled(op: Op, begun: bool) {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    settle().await;
    anna.say("m1").await.unwrap();
    if begun {
        stage.lay(Rule::at(Function::Worker, Op::Open, 1, Fault::CrashBefore));
        assert!(stage.work(&request(&stage).await).await.returned().is_none());
    }
    let gate = Gate::new();
    stage.lay(Rule::at(Function::Worker, op, 1, Fault::Hold(gate.clone())));
    let delivery = request(&stage).await;
    let referee = async {
        gate.reached().await;
        sleep(Duration::from_millis(700)).await;
        gate.open();
    };
    let (one, two, ()) = tokio::join!(stage.work(&delivery), stage.work(&delivery), referee);
    let one = one.returned().unwrap();
    let two = two.returned().unwrap();
    assert!(one.is_ok(), "{op:?}: {one:?}");
    assert!(
        matches!(two, Err(WorkerError::Fenced)),
        "{op:?}: who was overtaken must not acknowledge: {two:?}"
    );
    let expected = if begun { 3 } else { 2 };
    assert_eq!(stage.turn(&anna, 1).await.unwrap().epoch.0, expected, "{op:?}");
    assert_eq!((told(&stage, "wrote turn 1 as"), told(&stage, "wrote Claimed")), (1, 1), "{op:?}");
    stage.end(&[(&anna, &tab)]).await.unwrap();
    let view = tab.view();
    assert_eq!(
        (view.shown.len(), view.shown[0].generation, view.shown[0].kind),
        (1, expected, TurnKind::Reply)
    );
    assert_eq!(stage.event_ids().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s17_of_two_workers_with_the_same_delivery_one_wins_and_the_other_reports_failure() {
    // Both read a message without a turn, and both claim one.
    check_doubled(Op::Claim, false).await;
    // Both read a turn of a dead worker, and both take its next generation.
    check_doubled(Op::Generation, true).await;
}

#[tokio::test(start_paused = true)]
async fn s17_the_winners_acknowledgement_counts_and_the_losers_report_harms_nobody() {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    anna.say("m2").await.unwrap();
    let delivery = request(&stage).await;
    tokio::join!(stage.answer(&delivery), stage.answer(&delivery));
    let lines = stage.cloud.trace.lines();
    let acknowledged = lines.iter().filter(|line| line.text.starts_with("Requests: ")).count();
    assert_eq!((acknowledged, stage.cloud.requests.len()), (1, 1), "only the next message is left");
    let next = request(&stage).await;
    assert_eq!((next.receive_count, next.body.contains("\"m2\"")), (1, true));
    stage.answer(&next).await;
    stage.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((tab.view().shown.len(), told(&stage, "wrote turn 1 as")), (2, 1));
}
