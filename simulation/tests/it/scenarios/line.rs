//! A bare connection: every frame that is pushed to it, as it came.

use std::time::Duration;

use client::transport::Socket;
use futures::FutureExt as _;
use serde_json::Value;
use shared::domain::ConnectionId;
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::timeout;

/// A connection without a client behind it.
pub(super) struct Line {
    socket: Box<dyn Socket>,
    /// Its id at the gateway.
    pub(super) id: ConnectionId,
}

impl Line {
    /// Opens a connection to an actor's session; it has not asked for anything yet.
    pub(super) async fn open(scenario: &Scenario, user: &ScenarioUser) -> Self {
        let websocket = user.account.ticket(&user.session).await.unwrap();
        let socket =
            user.account.transport().connect(&websocket.url, &websocket.ticket).await.unwrap();
        let opened = scenario.faults.tally().counts().events["connections opened"];
        Self { socket, id: ConnectionId::new(format!("c{opened}")) }
    }

    /// Opens a connection and resumes after a cursor; what it is answered is waiting when this
    /// returns.
    pub(super) async fn resumed(scenario: &Scenario, user: &ScenarioUser, after: u64) -> Self {
        let mut line = Self::open(scenario, user).await;
        line.resume(after).await;
        line
    }

    /// Asks to resume, and waits until nothing more of the answer can be on its way.
    pub(super) async fn resume(&mut self, after: u64) {
        self.say(&format!("{{\"type\":\"resume\",\"after\":{after}}}")).await;
    }

    /// Sends a frame, and gives the service a moment.
    pub(super) async fn say(&mut self, frame: &str) {
        self.socket.send(frame).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Returns the next frame, within a minute; `None` once the connection is closed.
    pub(super) async fn next(&mut self) -> Option<Value> {
        let frame = timeout(Duration::from_mins(1), self.socket.receive())
            .await
            .expect("a frame within a minute");
        Some(serde_json::from_str(&frame?).unwrap())
    }

    /// Returns what has come and was not looked at yet.
    pub(super) fn came(&mut self) -> Vec<Value> {
        let next = || self.socket.receive().now_or_never().flatten();
        std::iter::from_fn(next).map(|frame| serde_json::from_str(&frame).unwrap()).collect()
    }

    /// Returns the turns whose finals have come and were not looked at yet, in the order of
    /// arrival.
    pub(super) fn finals(&mut self) -> Vec<u64> {
        self.came().iter().filter(|frame| is_final(frame)).map(turn).collect()
    }
}

/// Tells whether a frame is a final.
pub(super) fn is_final(frame: &Value) -> bool {
    frame["type"] == "RUN_FINISHED" || frame["type"] == "RUN_ERROR"
}

/// Returns the turn of a frame.
pub(super) fn turn(frame: &Value) -> u64 {
    frame["metadata"]["turn"].as_u64().unwrap()
}

/// Counts the rows of a session's connections.
pub(super) async fn connections(scenario: &Scenario, user: &ScenarioUser) -> usize {
    scenario.rows(user).await.iter().filter(|row| row.key.sort.starts_with("C#")).count()
}
