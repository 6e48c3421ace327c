//! Mutants that a story brings to light for certain; without the mutant the same story ends well.

use std::sync::Arc;
use std::time::Duration;

use futures::join;
use shared::domain::{FinishReason, ProviderName};
use shared::ports::Delivery;
use simulation::cloud::ModelStep;
use simulation::faults::{Fault, FaultRule, Function, Gate, PortCall, Subject};
use simulation::mutants::Mutant;
use simulation::platform::Setup;
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::sleep;
use worker::config::Pace;

/// How often a request is received before it is a dead letter.
const RECEIVES: usize = 10;
/// Longer than a worker keeps its message hidden.
const VISIBLE_AGAIN: Duration = Duration::from_secs(160);

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_between_the_queue_and_the_commit_is_caught() {
    check(Mutant::QueueBeforeCommit, "5", async |scenario, anna| {
        scenario.add_fault(FaultRule::at(
            Function::Worker,
            PortCall::Commit,
            1,
            Fault::CrashBefore,
        ));
        let delivery = asked(scenario, anna).await;
        assert!(scenario.work(&delivery).await.returned().is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_the_queue_never_got_is_missed() {
    check(Mutant::AcceptBeforeQueue, "1", async |scenario, anna| {
        scenario.add_fault(FaultRule::at(Function::Ingress, PortCall::Send, 1, Fault::Fail));
        anna.send_until_settled("m1").await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_final_that_is_begun_again_is_caught() {
    check(Mutant::RegenerateOnRedelivery, "2", async |scenario, anna| {
        let delivery = asked(scenario, anna).await;
        for _ in 0..2 {
            scenario.work(&delivery).await.returned().unwrap().unwrap();
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_zombie_that_commits_over_a_later_generation_is_caught() {
    check(Mutant::CommitWithoutEpoch, "5", overtaken).await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_handle_that_deletes_is_caught() {
    check(Mutant::StaleReceiptHonoured, "5", async |scenario, anna| {
        let first = asked(scenario, anna).await;
        scenario.work(&first).await.returned().unwrap().unwrap();
        sleep(VISIBLE_AGAIN).await;
        let second = scenario.request().await;
        assert_eq!((&second.message_id, second.receive_count), (&first.message_id, 2));
        scenario.answer(&first).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_begins_behind_a_dead_letter_in_progress_is_caught() {
    check(Mutant::PredecessorLeftRunning, "4", async |scenario, anna| {
        scenario.add_fault(FaultRule::always(
            Function::Worker,
            PortCall::Commit,
            Fault::CrashBefore,
        ));
        anna.say("m1").await.unwrap();
        for _ in 0..RECEIVES {
            let delivery = scenario.request().await;
            assert!(scenario.work(&delivery).await.returned().is_none());
        }
        scenario.faults.heal();
        anna.say("m2").await.unwrap();
        let second = scenario.request().await;
        assert_eq!(second.receive_count, 1);
        scenario.answer(&second).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_fenced_worker_that_takes_the_message_away_is_caught() {
    check(Mutant::FencedWorkerAcknowledges, "5", overtaken).await;
}

#[tokio::test(start_paused = true)]
async fn a_final_that_waits_for_the_notifier_is_caught() {
    check(Mutant::NotifierPersists, "5", async |scenario, anna| {
        let delivery = asked(scenario, anna).await;
        scenario.answer(&delivery).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_old_generations_text_under_a_new_number_is_caught() {
    check(Mutant::PartialTextKept, "3", async |scenario, anna| {
        scenario.script_model(
            ProviderName::Claude,
            vec![ModelStep::Say("The first try".to_owned()), wait(10)],
        );
        scenario.script_model(
            ProviderName::Claude,
            vec![wait(9), ModelStep::Say("Another one.".to_owned()), end()],
        );
        scenario.add_fault(FaultRule::at(
            Function::Worker,
            PortCall::Checkpoint,
            2,
            Fault::CrashAfter,
        ));
        let delivery = asked(scenario, anna).await;
        assert!(scenario.work(&delivery).await.returned().is_none());
        let watch = async {
            sleep(Duration::from_secs(2)).await;
            let tab = anna.open_tab(1);
            sleep(Duration::from_secs(3)).await;
            tab.close();
        };
        let (ended, ()) = join!(scenario.work(&delivery), watch);
        ended.returned().unwrap().unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_claim_that_counts_for_nothing_is_caught() {
    check(Mutant::EarlyStopForgotten, "1", async |_, anna| {
        anna.say("m1").await.unwrap();
        anna.stop("m1").await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_counted_twice_is_caught() {
    check(Mutant::TotalsWithoutState, "9", async |scenario, anna| {
        let delivery = asked(scenario, anna).await;
        scenario.answer(&delivery).await;
        scenario.add_fault(FaultRule::at(Function::Notifier, PortCall::Deliver, 1, Fault::LoseAck));
        let replies = scenario.replies().await;
        scenario.deliver(&replies).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_outlives_its_session_is_caught() {
    check(Mutant::RowsForDeletedSession, "1", async |scenario, anna| {
        let gate = scenario.hold(Function::Ingress, PortCall::Record, 1);
        let delete = async {
            gate.reached().await;
            anna.account.delete(&anna.session).await.unwrap();
            gate.open();
        };
        let (_, ()) = join!(anna.say("m1"), delete);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_final_that_nobody_is_told_of_is_caught() {
    check(Mutant::StandDownWithoutPointer, "11", async |scenario, anna| {
        let first = vec![ModelStep::Say("The first try".to_owned()), wait(10), end()];
        let second = vec![ModelStep::Say("Another one.".to_owned()), end()];
        scenario.script_model(ProviderName::Claude, first);
        scenario.script_model(ProviderName::Claude, second);
        scenario.add_fault(FaultRule::at(Function::Worker, PortCall::Commit, 1, Fault::CrashAfter));
        let delivery = asked(scenario, anna).await;
        let overtake = async {
            sleep(Duration::from_millis(500)).await;
            assert!(scenario.work(&delivery).await.returned().is_none());
        };
        let (overtaken, ()) = join!(Box::pin(scenario.work(&delivery)), Box::pin(overtake));
        overtaken.returned().unwrap().unwrap();
        if scenario.cloud.replies.is_empty() {
            let what = || "a worker found the final, and nobody delivers it".to_owned();
            scenario.cloud.checker.violation("11", &Subject::Session(anna.key.clone()), what);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_counts_only_at_the_commit_is_caught() {
    check(Mutant::StopUnseen, "11", async |scenario, anna| {
        scenario.cloud.checker.require_promptness(Pace::AWS);
        let words = [ModelStep::Say("Period 3".to_owned()), wait(1)];
        let script = words.into_iter().cycle().take(20).chain([end()]).collect();
        scenario.script_model(ProviderName::Claude, script);
        let delivery = asked(scenario, anna).await;
        let stop = async {
            sleep(Duration::from_secs(2)).await;
            anna.stop("m1").await.unwrap();
        };
        join!(Box::pin(scenario.answer(&delivery)), stop);
    })
    .await;
}

/// A worker stands before its commit while another one takes the next generation; then both go on.
async fn overtaken(scenario: &Scenario, anna: &ScenarioUser) {
    let gate = Gate::new();
    scenario.script_model(
        ProviderName::Claude,
        vec![ModelStep::Say("The first try.".to_owned()), end()],
    );
    scenario.script_model(
        ProviderName::Claude,
        vec![wait(5), ModelStep::Say("Another one.".to_owned()), end()],
    );
    scenario.add_fault(FaultRule::at(
        Function::Worker,
        PortCall::Commit,
        1,
        Fault::Hold(Arc::clone(&gate)),
    ));
    let delivery = asked(scenario, anna).await;
    let overtake = async {
        gate.reached().await;
        let open = async {
            sleep(Duration::from_secs(1)).await;
            gate.open();
        };
        join!(scenario.work(&delivery), open)
    };
    join!(Box::pin(scenario.answer(&delivery)), Box::pin(overtake));
}

async fn asked(scenario: &Scenario, anna: &ScenarioUser) -> Delivery {
    anna.say("m1").await.unwrap();
    scenario.request().await
}

fn wait(seconds: u64) -> ModelStep {
    ModelStep::Wait(Duration::from_secs(seconds))
}

fn end() -> ModelStep {
    ModelStep::Finish(FinishReason::Stop)
}

/// Requires that a story violates this invariant first where the protocol is broken so, and none
/// where it is not.
async fn check(mutant: Mutant, invariant: &str, story: impl AsyncFn(&Scenario, &ScenarioUser)) {
    tell(None, &story).await.unwrap();
    let scenario = tell(Some(mutant), &story).await;
    let list = scenario.expect_err("the mutant was not caught");
    assert!(
        list.starts_with(&format!("invariant {invariant}: ")),
        "{mutant:?} was caught for another reason: {list}"
    );
}

/// Plays a story, lets everything drain, and says what was violated.
async fn tell(
    mutant: Option<Mutant>,
    story: &impl AsyncFn(&Scenario, &ScenarioUser),
) -> Result<(), String> {
    let setup = Setup { mutant, ..Setup::default() };
    let scenario = ScenarioSetup { setup, ..ScenarioSetup::default() }.build().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    story(&scenario, &anna).await;
    scenario.end(&[]).await
}
