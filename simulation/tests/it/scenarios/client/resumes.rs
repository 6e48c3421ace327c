//! Several cursors, and resumes in the middle of a stream.

use std::time::Duration;

use serde_json::Value;
use simulation::faults::{Fault, FaultRule, Function};
use simulation::scenario::Scenario;
use tokio::time::sleep;

use super::assemble;
use super::line::{Line, is_final, turn};
use super::replies::{WORDS, plot_slow};

/// Returns the turns of the finals among frames, in the order of arrival.
fn finals(frames: &[Value]) -> Vec<u64> {
    frames.iter().filter(|frame| is_final(frame)).map(turn).collect()
}

#[tokio::test(start_paused = true)]
async fn s42_each_tab_gets_what_is_above_its_own_cursor_and_both_get_what_comes() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    for id in ["m1", "m2", "m3"] {
        anna.say(id).await.unwrap();
        sleep(Duration::from_secs(5)).await;
    }
    plot_slow(&scenario);
    anna.say("m4").await.unwrap();
    sleep(Duration::from_millis(2_500)).await;
    let mut new = Line::resumed(&scenario, &anna, 0).await;
    let mut old = Line::resumed(&scenario, &anna, 2).await;
    // A cursor of one tab moves nothing for another one.
    let tabs = [anna.open_tab(1), anna.open_tab(2)];
    let so_far = [new.came(), old.came()];
    assert_eq!(so_far.each_ref().map(|frames| finals(frames)), [vec![1, 2, 3], vec![3]]);
    assert!(so_far.iter().all(|frames| assemble(frames, 4).starts_with("Period 3")), "{so_far:?}");
    sleep(Duration::from_secs(10)).await;
    for (mut frames, later) in so_far.into_iter().zip([new.came(), old.came()]) {
        assert_eq!(finals(&later), [4]);
        frames.extend(later);
        assert_eq!(assemble(&frames, 4), WORDS.concat());
    }
    scenario.end(&[(&anna, &tabs[0]), (&anna, &tabs[1])]).await.unwrap();
    assert!(tabs.iter().all(|tab| tab.view().shown.len() == 4));
}

/// Resumes in the middle of a stream, held up for a while at the n-th call; returns what came in
/// the end.
async fn raced(nth: usize, time: Duration) -> Vec<Value> {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    plot_slow(&scenario);
    anna.say("m1").await.unwrap();
    sleep(Duration::from_millis(2_300)).await;
    let mut line = Line::open(&scenario, &anna).await;
    scenario.add_fault(FaultRule::anywhere(Function::Ingress, nth, Fault::Stall(time)));
    line.resume(0).await;
    sleep(Duration::from_secs(40)).await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    line.came()
}

/// One resume is enough, however long one of its steps takes within its deadline of 20 s.
#[tokio::test(start_paused = true)]
async fn s43_a_resume_in_the_middle_of_a_stream_misses_nothing_whichever_step_is_slow() {
    for nth in 1..=12 {
        for time in [300, 1_000, 2_500, 15_000].map(Duration::from_millis) {
            let frames = raced(nth, time).await;
            let place = format!("call {nth} takes {time:?}");
            assert_eq!(frames[0]["name"], "chat.resumed", "{place}: nothing comes before it");
            let end =
                frames.iter().position(is_final).unwrap_or_else(|| panic!("{place}: no final"));
            assert_eq!(frames[end]["result"]["text"], WORDS.concat(), "{place}");
            let said = assemble(&frames[..end], 1);
            assert!(WORDS.concat().starts_with(&said), "{place}: {said}");
            // Where the turn was still running when the resume had read it, its text came whole.
            let seen = frames[..end].iter().any(|frame| frame["type"] == "TEXT_MESSAGE_CONTENT");
            assert!(!seen || said == WORDS.concat(), "{place}: {said}");
        }
    }
}
