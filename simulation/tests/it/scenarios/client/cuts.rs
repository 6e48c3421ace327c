//! Connections that are cut, by the network, by the gateway, or without a word.

use std::sync::Arc;
use std::time::Duration;

use client::tab::TabHandle;
use simulation::faults::ExternalFault;
use simulation::scenario::Scenario;
use tokio::time::sleep;

use super::assemble;
use super::line::{Line, connections, is_final};
use super::replies::{WORDS, plot_slow};

fn shown(tab: &TabHandle) -> Vec<String> {
    tab.view().shown.iter().map(|turn| turn.message_id.clone()).collect()
}

fn reconnections(scenario: &Scenario) -> u64 {
    scenario.faults.tally().counts().events.get("reconnections").copied().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn s41_a_tab_that_is_cut_in_the_middle_of_every_turn_shows_everything_once_and_in_order() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    for (at, id) in ["m1", "m2", "m3"].into_iter().enumerate() {
        plot_slow(&scenario);
        tab.sending(id);
        anna.say(id).await.unwrap();
        sleep(Duration::from_millis(2_500)).await;
        tab.cut();
        sleep(Duration::from_secs(7)).await;
        assert_eq!(tab.cursor(), u64::try_from(at + 1).unwrap());
    }
    assert_eq!(
        (shown(&tab), reconnections(&scenario)),
        (vec!["m1".to_owned(), "m2".to_owned(), "m3".to_owned()], 3)
    );
    assert!(tab.view().shown.iter().all(|turn| turn.text == WORDS.concat()));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(scenario.model_calls(), 3, "nobody answers again because nobody was looking");
}

#[tokio::test(start_paused = true)]
async fn s41_a_new_connection_gets_the_text_so_far_and_what_follows_without_a_gap() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let first = Line::resumed(&scenario, &anna, 0).await;
    plot_slow(&scenario);
    anna.say("m1").await.unwrap();
    sleep(Duration::from_millis(3_500)).await;
    drop(first);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(connections(&scenario, &anna).await, 0, "the old connection is forgotten");
    let mut second = Line::resumed(&scenario, &anna, 0).await;
    let so_far = second.came();
    assert_eq!(so_far[0]["name"], "chat.resumed");
    assert!(assemble(&so_far, 1).starts_with("Period 3 is"), "{so_far:?}");
    let mut frames = so_far;
    while !frames.last().is_some_and(is_final) {
        frames.push(second.next().await.expect("an open connection"));
    }
    assert_eq!(assemble(&frames, 1), WORDS.concat());
    assert_eq!(frames.last().unwrap()["result"]["text"], WORDS.concat());
    assert!(second.came().is_empty(), "the final came once");
    scenario.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s44_a_tab_that_vanished_without_a_disconnect_is_found_gone_by_the_next_push() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let gone = anna.open_tab(1);
    let stays = anna.open_tab(2);
    sleep(Duration::from_secs(1)).await;
    scenario.faults.schedule_fault(ExternalFault::DisconnectLost, 1..=1);
    gone.close();
    sleep(Duration::from_mins(1)).await;
    assert_eq!(
        (connections(&scenario, &anna).await, scenario.cloud.network.open_connections()),
        (2, 1)
    );
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!((connections(&scenario, &anna).await, shown(&stays)), (1, vec!["m1".to_owned()]));
    assert!(scenario.cloud.replies.is_empty() && scenario.cloud.requests.is_empty());
    scenario.end(&[(&anna, &stays)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s44_the_row_of_a_tab_that_vanished_goes_with_its_session_at_the_latest() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    scenario.faults.schedule_fault(ExternalFault::DisconnectLost, 1..=1);
    tab.close();
    sleep(Duration::from_hours(23)).await;
    assert_eq!(connections(&scenario, &anna).await, 1);
    sleep(Duration::from_hours(2)).await;
    assert!(scenario.rows(&anna).await.is_empty());
    scenario.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s45_an_idle_tab_outlives_ten_minutes_and_comes_back_after_two_hours() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    tokio::spawn(Arc::clone(&scenario.platform).drive_limits());
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    // Nobody keeps this one alive.
    let mut bare = Line::resumed(&scenario, &anna, 0).await;
    bare.came();
    sleep(Duration::from_secs(10 * 60 + 2)).await;
    assert_eq!((bare.next().await, scenario.cloud.network.open_connections()), (None, 1));
    drop(bare);
    sleep(Duration::from_mins(109)).await;
    assert_eq!(
        (reconnections(&scenario), tab.view().connected),
        (0, true),
        "its questions keep it open"
    );
    sleep(Duration::from_hours(3)).await;
    assert_eq!(
        (reconnections(&scenario), connections(&scenario, &anna).await),
        (2, 1),
        "at two and at four hours"
    );
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(tab.cursor(), 1);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s45_a_cut_after_two_hours_in_the_middle_of_a_turn_loses_nothing() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    tokio::spawn(Arc::clone(&scenario.platform).drive_limits());
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(2 * 60 * 60 - 4)).await;
    plot_slow(&scenario);
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(3)).await;
    assert_eq!((reconnections(&scenario), tab.cursor()), (0, 0));
    sleep(Duration::from_secs(3)).await;
    assert_eq!((reconnections(&scenario), tab.cursor()), (1, 0), "in the middle");
    sleep(Duration::from_secs(4)).await;
    assert_eq!(shown(&tab), ["m1"]);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(scenario.model_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn s45_a_laptop_that_slept_through_its_cut_gets_on_waking_what_it_missed() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    tokio::spawn(Arc::clone(&scenario.platform).drive_limits());
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    tab.suspend();
    sleep(Duration::from_mins(11)).await;
    assert_eq!(scenario.cloud.network.open_connections(), 0);
    for id in ["m1", "m2"] {
        anna.say(id).await.unwrap();
    }
    sleep(Duration::from_mins(5)).await;
    assert!(shown(&tab).is_empty());
    tab.wake();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(shown(&tab), ["m1", "m2"]);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}
