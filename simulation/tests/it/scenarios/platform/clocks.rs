//! Clocks that are five minutes off, ahead or behind: only epochs decide.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::domain::{FinishReason, ProviderName, Timestamp, TurnKind};
use simulation::cloud::{ModelScript, ModelStep};
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup};
use tokio::time::sleep;
use worker::WorkerError;

const FIVE_MINUTES: i64 = 300_000;

/// Sets up a scenario in which the clocks of one process after the other are five minutes behind
/// and five ahead.
///
/// `skipped` processes have come and gone: with one more, all clocks that follow change places.
async fn scenario(skipped: usize) -> Scenario {
    let mut setup = ScenarioSetup::default();
    setup.setup.skew = FIVE_MINUTES;
    let scenario = setup.build().unwrap();
    for _ in 0..skipped {
        scenario.platform.clean_up().await.unwrap();
        scenario.platform.cool_down();
    }
    scenario
}

/// Returns by how much a clock is off that showed `shown` less than a minute before or after
/// `true_time`.
fn skew(shown: Timestamp, true_time: Timestamp) -> i64 {
    let off = shown.0 - true_time.0;
    assert!((off.abs() - FIVE_MINUTES).abs() < 60_000, "{off} ms");
    off.signum()
}

/// A reply that takes two minutes, with a word every ten seconds.
fn slow() -> ModelScript {
    let words = (0..12).flat_map(|at| {
        [ModelStep::Wait(Duration::from_secs(10)), ModelStep::Say(format!("word {at} "))]
    });
    words.chain([ModelStep::Finish(FinishReason::Stop)]).collect()
}

#[tokio::test(start_paused = true)]
async fn s49_of_two_workers_whose_clocks_differ_by_ten_minutes_the_higher_epoch_wins() {
    let mut seen = BTreeSet::new();
    for skipped in [0, 1] {
        let scenario = scenario(skipped).await;
        let anna = scenario.user(1, "lesson").await.unwrap();
        let tab = anna.open_tab(1);
        anna.say("m1").await.unwrap();
        let first = scenario.request().await;
        // It comes back to life while another worker is writing the same turn.
        scenario.add_fault(FaultRule::at(
            Function::Worker,
            PortCall::Commit,
            1,
            Fault::FreezeBefore(Duration::from_secs(200)),
        ));
        let live = async {
            sleep(Duration::from_mins(1)).await;
            scenario.script_model(ProviderName::Claude, slow());
            let second = scenario.request().await;
            (scenario.work(&second).await.returned().unwrap(), scenario.cloud.now())
        };
        let (zombie, (live, finished)) = tokio::join!(scenario.work(&first), live);
        let zombie = zombie.returned();
        assert!(matches!(zombie, Some(Err(WorkerError::Fenced))), "{skipped}: {zombie:?}");
        assert!(live.is_ok(), "{skipped}: {live:?}");
        let turn = scenario.turn(&anna, 1).await.unwrap();
        assert_eq!(
            (turn.epoch.0, turn.text.as_deref().map(|text| &text[..7])),
            (2, Some("word 0 ")),
            "{skipped}"
        );
        seen.insert((
            skew(turn.created_at, turn.accepted_at),
            skew(turn.finished_at.unwrap(), finished),
        ));
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!((tab.view().shown.len(), scenario.model_calls()), (1, 2), "{skipped}");
    }
    assert_eq!(seen, [(-1, 1), (1, -1)].into(), "each was ahead of the other once");
}

#[tokio::test(start_paused = true)]
async fn s49_a_conversation_among_wrong_clocks_keeps_its_order_and_its_memory() {
    let scenario = scenario(0).await;
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    let mut seen = Vec::new();
    for number in 1..=6 {
        // An ingress, a worker and a notifier a message: an odd number of processes.
        scenario.platform.cool_down();
        anna.say(&format!("m{number}")).await.unwrap();
        scenario.run_queues().await;
        let turn = scenario.turn(&anna, number).await.unwrap();
        assert_eq!((turn.kind, turn.epoch.0), (Some(TurnKind::Reply), 1), "turn {number}");
        let off = skew(turn.created_at, turn.accepted_at);
        assert_eq!(
            turn.timings.queue_ms,
            if off > 0 { 300_000 } else { 0 },
            "a clock behind gives no negative span"
        );
        seen.push(off);
    }
    assert!(seen.contains(&1) && seen.contains(&-1), "{seen:?}");
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let ids: Vec<String> = tab.view().shown.iter().map(|turn| turn.message_id.clone()).collect();
    assert_eq!(ids, ["m1", "m2", "m3", "m4", "m5", "m6"]);
    assert_eq!(scenario.model_calls(), 6);
}

/// The cleanup ends what had no checkpoint for fifteen minutes, and no clock is so far off.
#[tokio::test(start_paused = true)]
async fn s49_a_cleanup_whose_clock_is_ten_minutes_ahead_leaves_a_turn_that_is_being_answered() {
    for skipped in [0, 1] {
        let scenario = scenario(skipped).await;
        let anna = scenario.user(1, "lesson").await.unwrap();
        let tab = anna.open_tab(1);
        anna.say("m1").await.unwrap();
        scenario.script_model(ProviderName::Claude, slow());
        let delivery = scenario.request().await;
        let cleanups = async {
            let mut ended = 0;
            for _ in 0..5 {
                sleep(Duration::from_secs(20)).await;
                ended += scenario.platform.clean_up().await.unwrap().ended_turns;
                scenario.platform.cool_down();
            }
            ended
        };
        let ((), ended) = tokio::join!(scenario.answer(&delivery), cleanups);
        assert_eq!(ended, 0, "{skipped}");
        let turn = scenario.turn(&anna, 1).await.unwrap();
        assert_eq!((turn.kind, turn.epoch.0), (Some(TurnKind::Reply), 1), "{skipped}");
        scenario.end(&[(&anna, &tab)]).await.unwrap();
    }
}
