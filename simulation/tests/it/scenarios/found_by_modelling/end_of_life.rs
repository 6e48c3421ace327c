//! 63: the session's end of life in the middle of a conversation: whole or absent, never a middle
//! missing.

use std::time::Duration;

use client::account::{CallError, TurnState};
use client::tab::Ended;
use fastrand::Rng;
use shared::domain::TurnKind;
use simulation::cloud::Limits;
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::sleep;

use super::{event_types, rows};

const MINUTE: Duration = Duration::from_mins(1);

/// A scenario in which sessions end after so many hours without activity; nothing runs yet.
///
/// Turns end before their session does, so the history in a prompt is not the whole one.
fn short_lived(hours: &str) -> Scenario {
    let limits = Limits { whole_history: 0, ..Limits::default() };
    ScenarioSetup { limits, ..ScenarioSetup::default() }
        .with("CHATBOT_SESSION_TTL_HOURS", hours)
        .build()
        .unwrap()
}

/// Checks that the history holds the newest turns up to `last`, none missing and each whole;
/// returns the oldest number, or `None` where there is no session any more.
#[track_caller]
fn oldest(user: &ScenarioUser, last: u64) -> impl Future<Output = Option<u64>> + use<'_> {
    let caller = std::panic::Location::caller();
    async move {
        let history = match user.account.history(&user.session, 0, 100).await {
            Err(CallError::NotFound) => return None,
            answer => answer.unwrap(),
        };
        let first = history.turns.first().map_or(last + 1, |turn| turn.turn);
        assert!(
            history.turns.iter().map(|turn| turn.turn).eq(first..=last),
            "{caller}: {:?}",
            history.turns
        );
        for turn in &history.turns {
            let whole = turn.message == user.message(&turn.message_id).text
                && !turn.text.as_deref().unwrap().is_empty();
            assert!(
                whole && turn.kind == Some(TurnKind::Reply) && turn.state == TurnState::Done,
                "{caller}: {turn:?}"
            );
        }
        Some(first)
    }
}

#[tokio::test(start_paused = true)]
async fn s63_a_conversation_loses_its_oldest_turns_first_and_then_all_that_is_left_at_once() {
    let scenario = short_lived("1");
    let mut rng = Rng::with_seed(63);
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    let mut first = 1;
    let turns = 30;
    for number in 1..=turns {
        anna.say(&format!("m{number}")).await.unwrap();
        for _ in 0..rng.u32(1..25) {
            sleep(MINUTE).await;
            let now = oldest(&anna, number).await.expect("a session in use lives");
            assert!(now >= first, "what was absent came back");
            first = now;
        }
    }
    assert!(first > 10, "the conversation was longer than its session's memory: {first}");
    let late = anna.open_tab(2);
    sleep(MINUTE).await;
    assert_eq!(
        (tab.view().shown.len(), late.view().shown.len()),
        (30, usize::try_from(turns + 1 - first).unwrap())
    );
    let mut lived = 0;
    while oldest(&anna, turns).await.is_some() {
        lived += 1;
        sleep(MINUTE).await;
        assert!(lived < 61, "a session without activity ends");
    }
    sleep(Duration::from_hours(1)).await;
    assert_eq!(oldest(&anna, turns).await, None);
    assert_eq!(
        (rows(&scenario, &anna).await.len(), event_types(&scenario).last()),
        (0, Some(&"Session Expired"))
    );
    assert_eq!([tab.view().ended, late.view().ended], [Some(Ended::Gone); 2]);
    scenario.end(&[(&anna, &tab), (&anna, &late)]).await.unwrap();
    assert_eq!(event_types(&scenario).iter().filter(|kind| **kind == "Session Expired").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn s63_a_message_claimed_in_its_sessions_last_minute_keeps_the_session_for_its_answer() {
    let scenario = short_lived("1");
    let anna = scenario.user(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    sleep(59 * MINUTE).await;
    scenario.drive();
    sleep(2 * MINUTE).await;
    assert_eq!(oldest(&anna, 1).await, Some(1), "past the end that it was accepted with");
    let tab = anna.open_tab(1);
    sleep(MINUTE).await;
    assert_eq!(tab.cursor(), 1);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(scenario.model_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn s63_a_message_that_waits_past_the_end_of_its_session_is_absent_with_it() {
    let scenario = short_lived("1");
    let anna = scenario.user(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    sleep(61 * MINUTE).await;
    scenario.drive();
    sleep(10 * MINUTE).await;
    assert!(scenario.cloud.requests.is_empty(), "acknowledged");
    assert_eq!((oldest(&anna, 0).await, scenario.model_calls()), (None, 0));
    assert_eq!(
        (rows(&scenario, &anna).await.len(), event_types(&scenario)),
        (0, vec!["Session Expired"])
    );
    scenario.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s63_the_longest_session_takes_no_message_in_its_last_hour() {
    let scenario = short_lived("24");
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    for number in 1..=21 {
        anna.say(&format!("m{number}")).await.unwrap();
        sleep(Duration::from_hours(if number < 21 { 8 } else { 6 })).await;
    }
    anna.say("m22").await.unwrap();
    sleep(61 * MINUTE).await;
    assert_eq!(anna.say("m23").await, Err(CallError::NotFound), "its last hour");
    let first = oldest(&anna, 22).await.expect("it is still there to be read");
    assert!(first > 15, "a day's turns are left: {first}");
    sleep(Duration::from_hours(1)).await;
    assert_eq!(
        (rows(&scenario, &anna).await.len(), event_types(&scenario).last()),
        (0, Some(&"Session Expired"))
    );
    scenario.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s63_a_session_that_ended_begins_anew_at_turn_one_with_nothing_of_its_earlier_life() {
    let scenario = short_lived("1");
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    anna.say("m1").await.unwrap();
    sleep(Duration::from_mins(59)).await;
    tab.suspend();
    sleep(Duration::from_hours(1)).await;
    anna.say("m2").await.unwrap();
    tab.wake();
    sleep(MINUTE).await;
    let view = tab.view();
    assert_eq!(
        (view.shown.len(), view.shown[0].number, view.shown[0].message_id.as_str()),
        (1, 1, "m2")
    );
    assert_eq!(oldest(&anna, 1).await, Some(1));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}
