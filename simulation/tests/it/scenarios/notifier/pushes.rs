//! Connections that are gone, slow, or not there.

use std::time::Duration;

use shared::protocol::TurnState;
use simulation::faults::{Function, PortCall};
use simulation::scenario::Scenario;
use tokio::time::{Instant, sleep, timeout};

use super::line::{Line, connections, is_final, turn};
use super::{answered, events, states};

#[tokio::test(start_paused = true)]
async fn s32_one_connection_of_three_that_is_gone_is_forgotten_and_the_others_get_the_final() {
    for gone in 0..3 {
        let scenario = Scenario::new().unwrap();
        let anna = scenario.user(1, "lesson").await.unwrap();
        let mut lines = Vec::new();
        for _ in 0..3 {
            lines.push(Line::resumed(&scenario, &anna, 0).await);
        }
        answered(&scenario, &anna, &["m1"]).await;
        // The gateway knows that it is gone, and nobody told us.
        scenario.cloud.network.close(&lines[gone].id);
        assert_eq!(connections(&scenario, &anna).await, 3);
        let batch = scenario.replies().await;
        scenario.deliver(&batch).await;
        assert!(scenario.cloud.replies.is_empty(), "a connection that is gone fails nothing");
        assert_eq!(
            (states(&scenario, &anna).await, connections(&scenario, &anna).await),
            (vec![TurnState::Delivered], 2)
        );
        let pushed = scenario.faults.calls(Function::Notifier, PortCall::Push);
        assert_eq!(pushed, 3, "what is gone is not tried again");
        for (at, line) in lines.iter_mut().enumerate() {
            assert_eq!(line.finals(), if at == gone { vec![] } else { vec![1] });
        }
        scenario.end(&[]).await.unwrap();
    }
}

/// Waits for a final on a connection, and returns how long that took.
async fn waited(line: &mut Line) -> Duration {
    let began = Instant::now();
    while !is_final(&line.next().await.expect("an open connection")) {}
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn s33_a_client_that_does_not_read_is_closed_and_all_others_have_their_finals_on_time() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let ben = scenario.user(2, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    let slow = shared::domain::ConnectionId::new("c1");
    let mut second = Line::resumed(&scenario, &anna, 0).await;
    let mut other = Line::resumed(&scenario, &ben, 0).await;
    answered(&scenario, &anna, &["m1"]).await;
    answered(&scenario, &ben, &["m1"]).await;
    scenario.cloud.network.find(&slow).unwrap().be_slow(Duration::from_hours(1));
    let batch = scenario.replies().await;
    let began = Instant::now();
    let (on_time, neighbour, ()) =
        tokio::join!(waited(&mut second), waited(&mut other), scenario.deliver(&batch));
    assert!(on_time.is_zero() && neighbour.is_zero(), "{on_time:?} {neighbour:?}");
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "its own session's next final waits no longer than that"
    );
    assert!(
        scenario.cloud.replies.is_empty() && scenario.cloud.network.find(&slow).is_none(),
        "acknowledged, and closed"
    );
    assert_eq!((states(&scenario, &anna).await, tab.cursor()), (vec![TurnState::Delivered], 0));

    sleep(Duration::from_secs(2)).await;
    assert_eq!(tab.cursor(), 1, "it came back, and was told");
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s34_what_was_answered_while_nobody_was_connected_comes_with_a_later_resume() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    // More than one resume brings.
    let ids: Vec<String> = (1..=25).map(|number| format!("m{number}")).collect();
    for id in &ids {
        anna.say(id).await.unwrap();
        scenario.run_queues().await;
        sleep(Duration::from_mins(1)).await;
    }
    assert_eq!(states(&scenario, &anna).await, [TurnState::Delivered; 25], "nobody need be there");
    let pushed = [Function::Worker, Function::Notifier]
        .map(|function| scenario.faults.calls(function, PortCall::Push));
    assert_eq!((pushed, events(&scenario)), ([0, 0], (1, 25)));

    sleep(Duration::from_hours(2)).await;
    let mut line = Line::resumed(&scenario, &anna, 3).await;
    let frames = line.came();
    assert_eq!(frames[0]["value"]["next"], 26);
    assert_eq!(frames[1..].iter().map(turn).collect::<Vec<_>>(), (4..=23).collect::<Vec<_>>());
    let tab = anna.open_tab(1);
    let all = async {
        while tab.cursor() < 25 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(1), all).await.expect("it asks for the rest at once");
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let shown: Vec<String> = tab.view().shown.iter().map(|turn| turn.message_id.clone()).collect();
    assert_eq!((shown, scenario.model_calls()), (ids, 25));
}
