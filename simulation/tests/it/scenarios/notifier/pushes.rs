//! Connections that are gone, slow, or not there.

use std::time::Duration;

use shared::protocol::TurnState;
use simulation::faults::{Function, Op};
use simulation::stage::Stage;
use tokio::time::{Instant, sleep, timeout};

use super::line::{Line, connections, is_final, turn};
use super::{answered, events, states};

#[tokio::test(start_paused = true)]
async fn s32_one_connection_of_three_that_is_gone_is_forgotten_and_the_others_get_the_final() {
    for gone in 0..3 {
        let stage = Stage::new().unwrap();
        let anna = stage.actor(1, "lesson").await.unwrap();
        let mut lines = Vec::new();
        for _ in 0..3 {
            lines.push(Line::resumed(&stage, &anna, 0).await);
        }
        answered(&stage, &anna, &["m1"]).await;
        // The gateway knows that it is gone, and nobody told us.
        stage.cloud.network.close(&lines[gone].id);
        assert_eq!(connections(&stage, &anna).await, 3);
        let batch = stage.replies().await;
        stage.deliver(&batch).await;
        assert!(stage.cloud.replies.is_empty(), "a connection that is gone fails nothing");
        assert_eq!(
            (states(&stage, &anna).await, connections(&stage, &anna).await),
            (vec![TurnState::Delivered], 2)
        );
        let pushed = stage.faults.calls(Function::Notifier, Op::Push);
        assert_eq!(pushed, 3, "what is gone is not tried again");
        for (at, line) in lines.iter_mut().enumerate() {
            assert_eq!(line.finals(), if at == gone { vec![] } else { vec![1] });
        }
        stage.end(&[]).await.unwrap();
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
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    let ben = stage.actor(2, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    let slow = shared::domain::ConnectionId::new("c1");
    let mut second = Line::resumed(&stage, &anna, 0).await;
    let mut other = Line::resumed(&stage, &ben, 0).await;
    answered(&stage, &anna, &["m1"]).await;
    answered(&stage, &ben, &["m1"]).await;
    stage.cloud.network.find(&slow).unwrap().be_slow(Duration::from_hours(1));
    let batch = stage.replies().await;
    let began = Instant::now();
    let (on_time, neighbour, ()) =
        tokio::join!(waited(&mut second), waited(&mut other), stage.deliver(&batch));
    assert!(on_time.is_zero() && neighbour.is_zero(), "{on_time:?} {neighbour:?}");
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "its own session's next final waits no longer than that"
    );
    assert!(
        stage.cloud.replies.is_empty() && stage.cloud.network.find(&slow).is_none(),
        "acknowledged, and closed"
    );
    assert_eq!((states(&stage, &anna).await, tab.cursor()), (vec![TurnState::Delivered], 0));

    sleep(Duration::from_secs(2)).await;
    assert_eq!(tab.cursor(), 1, "it came back, and was told");
    stage.end(&[(&anna, &tab)]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s34_what_was_answered_while_nobody_was_connected_comes_with_a_later_resume() {
    let stage = Stage::new().unwrap();
    let anna = stage.actor(1, "lesson").await.unwrap();
    // More than one resume brings.
    let ids: Vec<String> = (1..=25).map(|number| format!("m{number}")).collect();
    for id in &ids {
        anna.say(id).await.unwrap();
        stage.run_queues().await;
        sleep(Duration::from_mins(1)).await;
    }
    assert_eq!(states(&stage, &anna).await, [TurnState::Delivered; 25], "nobody need be there");
    let pushed = [Function::Worker, Function::Notifier]
        .map(|function| stage.faults.calls(function, Op::Push));
    assert_eq!((pushed, events(&stage)), ([0, 0], (1, 25)));

    sleep(Duration::from_hours(2)).await;
    let mut line = Line::resumed(&stage, &anna, 3).await;
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
    stage.end(&[(&anna, &tab)]).await.unwrap();
    let shown: Vec<String> = tab.view().shown.iter().map(|turn| turn.message_id.clone()).collect();
    assert_eq!((shown, stage.model_calls()), (ids, 25));
}
