//! Finals that heal what was lost, and finals that were lost themselves.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::json;
use shared::ports::EventSource as _;
use shared::protocol::TurnState::{Committed, Delivered};
use simulation::faults::{ExternalFault, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::{Instant, sleep};

use super::line::{Line, connections, is_final};
use super::replies::{WORDS, plot_slow};
use super::{answered, events, states};

/// Loses some of the frames of one turn; returns how often the tab asked to resume until the final
/// was shown.
async fn asked_after_losing(frames: RangeInclusive<usize>) -> usize {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    plot_slow(&scenario);
    anna.say("m1").await.unwrap();
    let request = scenario.request().await;
    scenario.faults.schedule_fault(ExternalFault::FrameLost, frames.clone());
    scenario.answer(&request).await;
    // What is pushed from now on arrives.
    scenario.faults.heal();
    let batch = scenario.replies().await;
    let began = Instant::now();
    scenario.deliver(&batch).await;
    sleep(Duration::from_millis(1)).await;
    assert!(began.elapsed() < Duration::from_millis(10));
    assert_eq!(tab.view().shown[0].text, WORDS.concat(), "{frames:?}: the final heals");
    let asked = scenario.faults.calls(Function::Ingress, PortCall::Register);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    asked
}

#[tokio::test(start_paused = true)]
async fn s39_whatever_provisional_frames_are_lost_the_final_heals() {
    for lost in 1..=12 {
        let asked = asked_after_losing(lost..=lost).await;
        assert!(asked <= 3, "frame {lost}: {asked}");
    }
    assert_eq!(
        asked_after_losing(1..=1_000).await,
        1,
        "a turn that is not seen at all needs no resume but the first"
    );
    assert!(asked_after_losing(3..=3).await > 1, "a gap asks to resume");
}

/// Takes the final's pointer off the queue, as if it had never been sent.
async fn lose_the_pointer(scenario: &Scenario) {
    for delivery in scenario.replies().await {
        scenario.cloud.replies.delete(&delivery.receipt).await.unwrap();
    }
}

/// A message whose final is committed, and whose pointer nobody ever sees.
async fn lost(scenario: &Scenario) -> ScenarioUser {
    let anna = scenario.user(1, "lesson").await.unwrap();
    answered(scenario, &anna, &["m1"]).await;
    lose_the_pointer(scenario).await;
    assert!(
        scenario.cloud.replies.is_empty() && scenario.cloud.requests.is_empty(),
        "nothing else brings it"
    );
    anna
}

#[tokio::test(start_paused = true)]
async fn s40_a_final_whose_pointer_was_lost_comes_with_a_resume_and_stands_in_the_history() {
    let scenario = Scenario::new().unwrap();
    let anna = lost(&scenario).await;
    let mut line = Line::resumed(&scenario, &anna, 0).await;
    let frames = line.came();
    let told = anna.account.history("lesson", 0, 10).await.unwrap();
    assert_eq!((told.running, frames.len()), (false, 2));
    assert!(
        is_final(&frames[1])
            && frames[1]["result"]["text"] == json!(told.turns[0].text.as_ref().unwrap())
    );
    assert_eq!((states(&scenario, &anna).await, events(&scenario)), (vec![Committed], (0, 0)));
    scenario.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s40_the_cleanup_publishes_the_event_of_a_final_whose_pointer_was_lost() {
    let scenario = Scenario::new().unwrap();
    let anna = lost(&scenario).await;
    sleep(Duration::from_mins(4)).await;
    assert_eq!(
        scenario.platform.clean_up().await.unwrap().delivered_turns,
        0,
        "the notifier may still do it"
    );
    sleep(Duration::from_mins(2)).await;
    assert_eq!(scenario.platform.clean_up().await.unwrap().delivered_turns, 1);
    assert_eq!((states(&scenario, &anna).await, events(&scenario)), (vec![Delivered], (1, 1)));
    assert_eq!(scenario.session(&anna).await.unwrap().total_turns, 1);
    assert_eq!(scenario.platform.clean_up().await.unwrap().delivered_turns, 0, "once");
    scenario.end(&[]).await.unwrap();
    assert_eq!(scenario.model_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn s40_a_tab_that_waits_for_an_answer_shows_a_final_whose_pointer_was_lost() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    tab.sending("m1");
    answered(&scenario, &anna, &["m1"]).await;
    lose_the_pointer(&scenario).await;
    assert_eq!((tab.cursor(), connections(&scenario, &anna).await), (0, 1));
    sleep(Duration::from_secs(12)).await;
    assert_eq!(tab.cursor(), 1);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}
