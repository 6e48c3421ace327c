//! Rows of connections that belong to somebody else.
//!
//! The row of a connection names its owner, and whoever pushes reads the rows and leaves out all
//! that are not the session owner's. An id that the gateway gives to another client while the old
//! client's row still stands cannot be told from the old client's: the gateway makes each id once,
//! as the one-machine server does (128 random bits).

use std::time::Duration;

use ingress::SocketSession;
use shared::domain::{ConnectionId, Principal};
use shared::ports::{Durability, Store as _};
use shared::protocol::{ConnectionRow, connection};
use simulation::faults::{Function, PortCall};
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::sleep;

use super::assemble;
use super::line::{Line, connections};
use super::replies::{WORDS, plot_slow};

/// Binds a connection of a session to another principal.
async fn rebind(scenario: &Scenario, user: &ScenarioUser, id: &ConnectionId) {
    let row = ConnectionRow {
        connection_id: id.clone(),
        principal_hash: Principal::parse("anon:other").unwrap().hash(),
        stamp: "rebound".to_owned(),
        expires_at: scenario.session(user).await.unwrap().expires_at,
    };
    let writes = connection::register(&user.key, &row).unwrap();
    scenario.cloud.store.transact(writes, Durability::Ordered).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s47_a_final_is_not_pushed_to_a_connection_that_was_rebound_a_moment_before() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let mut rebound = Line::resumed(&scenario, &anna, 0).await;
    let mut own = Line::resumed(&scenario, &anna, 0).await;
    anna.say("m1").await.unwrap();
    let request = scenario.request().await;
    scenario.answer(&request).await;
    drop((rebound.came(), own.came()));
    let batch = scenario.replies().await;
    let gate = scenario.hold(Function::Notifier, PortCall::Connections, 1);
    let race = async {
        gate.reached().await;
        rebind(&scenario, &anna, &rebound.id).await;
        gate.open();
    };
    tokio::join!(race, scenario.deliver(&batch));
    assert_eq!(scenario.faults.calls(Function::Notifier, PortCall::Push), 1);
    assert_eq!((rebound.came().len(), own.finals()), (0, vec![1]));
    scenario.end(&[]).await.unwrap();
    assert_eq!(connections(&scenario, &anna).await, 2, "it is not ours to remove");
}

#[tokio::test(start_paused = true)]
async fn s47_a_stream_leaves_a_connection_that_is_rebound_in_the_middle_of_it() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let mut rebound = Line::resumed(&scenario, &anna, 0).await;
    let mut own = Line::resumed(&scenario, &anna, 0).await;
    plot_slow(&scenario);
    anna.say("m1").await.unwrap();
    sleep(Duration::from_millis(2_500)).await;
    rebind(&scenario, &anna, &rebound.id).await;
    // The worker reads the rows once a second.
    sleep(Duration::from_millis(1_100)).await;
    let so_far = assemble(&rebound.came(), 1);
    assert!(so_far.starts_with("Period") && so_far.len() < WORDS.concat().len(), "{so_far}");
    scenario.end(&[]).await.unwrap();
    assert_eq!((rebound.came(), own.finals()), (vec![], vec![1]), "neither text nor final");
}

/// The host hands in whose connection it is with every frame; a session is not told to another
/// principal's.
#[tokio::test(start_paused = true)]
async fn s47_a_resume_on_a_connection_of_another_principal_is_told_nothing_and_leaves_no_row() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    scenario.run_queues().await;
    let mut line = Line::open(&scenario, &anna).await;
    let principal_hash = Principal::parse("anon:other").unwrap().hash();
    let foreign = SocketSession { session_key: anna.key.clone(), principal_hash };
    scenario.platform.socket_frame(&line.id, &foreign, r#"{"type":"resume","after":0}"#).await;
    assert_eq!(
        (line.next().await, connections(&scenario, &anna).await),
        (None, 0),
        "closed, with nothing of hers"
    );
    scenario.end(&[]).await.unwrap();
}
