//! Finals that heal what was lost, and finals that were lost themselves.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::json;
use shared::ports::EventSource as _;
use shared::protocol::TurnState::{Committed, Delivered};
use simulation::faults::{Function, Mishap, Op};
use simulation::stage::{Actor, Stage};
use tokio::time::{Instant, sleep};

use super::line::{Line, connections, is_final};
use super::replies::{WORDS, plot_slow};
use super::{answered, events, states};

/// Loses some of the frames of one turn; returns how often the tab asked to resume until the final
/// was shown.
async fn asked_after_losing(frames: RangeInclusive<usize>) -> usize {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    plot_slow(&stage);
    anna.say("m1").await.unwrap();
    let request = stage.request().await;
    stage.faults.bring(Mishap::FrameLost, frames.clone());
    stage.answer(&request).await;
    // What is pushed from now on arrives.
    stage.faults.heal();
    let batch = stage.replies().await;
    let began = Instant::now();
    stage.deliver(&batch).await;
    sleep(Duration::from_millis(1)).await;
    assert!(began.elapsed() < Duration::from_millis(10));
    assert_eq!(tab.view().shown[0].text, WORDS.concat(), "{frames:?}: the final heals");
    let asked = stage.faults.calls(Function::Ingress, Op::Register);
    stage.end(&[(&anna, &tab)]).await.unwrap();
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
async fn lose_the_pointer(stage: &Stage) {
    for delivery in stage.replies().await {
        stage.cloud.replies.delete(&delivery.receipt).await.unwrap();
    }
}

/// A message whose final is committed, and whose pointer nobody ever sees.
async fn lost(stage: &Stage) -> Actor {
    let anna = stage.actor(1, "lesson").await.unwrap();
    answered(stage, &anna, &["m1"]).await;
    lose_the_pointer(stage).await;
    assert!(
        stage.cloud.replies.is_empty() && stage.cloud.requests.is_empty(),
        "nothing else brings it"
    );
    anna
}

#[tokio::test(start_paused = true)]
async fn s40_a_final_whose_pointer_was_lost_comes_with_a_resume_and_stands_in_the_history() {
    let stage = Stage::new().unwrap();
    let anna = lost(&stage).await;
    let mut line = Line::resumed(&stage, &anna, 0).await;
    let frames = line.came();
    let told = anna.account.history("lesson", 0, 10).await.unwrap();
    assert_eq!((told.running, frames.len()), (false, 2));
    assert!(
        is_final(&frames[1])
            && frames[1]["result"]["text"] == json!(told.turns[0].text.as_ref().unwrap())
    );
    assert_eq!((states(&stage, &anna).await, events(&stage)), (vec![Committed], (0, 0)));
    stage.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s40_the_cleanup_publishes_the_event_of_a_final_whose_pointer_was_lost() {
    let stage = Stage::new().unwrap();
    let anna = lost(&stage).await;
    sleep(Duration::from_mins(4)).await;
    assert_eq!(
        stage.platform.clean_up().await.unwrap().delivered_turns,
        0,
        "the notifier may still do it"
    );
    sleep(Duration::from_mins(2)).await;
    assert_eq!(stage.platform.clean_up().await.unwrap().delivered_turns, 1);
    assert_eq!((states(&stage, &anna).await, events(&stage)), (vec![Delivered], (1, 1)));
    assert_eq!(stage.session(&anna).await.unwrap().total_turns, 1);
    assert_eq!(stage.platform.clean_up().await.unwrap().delivered_turns, 0, "once");
    stage.end(&[]).await.unwrap();
    assert_eq!(stage.model_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn s40_a_tab_that_waits_for_an_answer_shows_a_final_whose_pointer_was_lost() {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    tab.sending("m1");
    answered(&stage, &anna, &["m1"]).await;
    lose_the_pointer(&stage).await;
    assert_eq!((tab.cursor(), connections(&stage, &anna).await), (0, 1));
    sleep(Duration::from_secs(12)).await;
    assert_eq!(tab.cursor(), 1);
    stage.end(&[(&anna, &tab)]).await.unwrap();
}
