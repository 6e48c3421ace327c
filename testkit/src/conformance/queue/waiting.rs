//! Waiting for something to do.

use std::time::Duration;

use futures::future::{join, poll_immediate};

use super::{Case, NEARLY, VISIBILITY};

impl Case {
    /// Waits as an event source does until something is received.
    async fn wait_and_receive(&self) -> String {
        loop {
            if let Some(delivery) = self.receive(1).await.pop() {
                return delivery.body;
            }
            self.0.ready().await;
        }
    }
}

pub(super) async fn ready_returns_when_a_message_is_there(case: Case) {
    case.send("g", "1").await;
    case.0.ready().await;
    assert_eq!(case.receive_one().await.body, "1");
}

pub(super) async fn ready_returns_when_a_message_is_sent(case: Case) {
    let mut waits = std::pin::pin!(case.wait_and_receive());
    assert_eq!(poll_immediate(&mut waits).await, None);
    let send = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        case.send("g", "1").await;
    };
    assert_eq!(join(waits, send).await.0, "1");
}

pub(super) async fn ready_returns_when_a_visibility_timeout_ends(case: Case) {
    case.send("g", "1").await;
    case.receive_one().await;
    let begin = tokio::time::Instant::now();
    assert_eq!(case.wait_and_receive().await, "1");
    assert!(begin.elapsed() >= NEARLY);
    assert!(begin.elapsed() <= VISIBILITY + Duration::from_secs(25), "{:?}", begin.elapsed());
}

pub(super) async fn ready_returns_when_a_group_is_unlocked(case: Case) {
    case.send("g", "1").await;
    case.send("g", "2").await;
    let first = case.receive_one().await;
    let delete = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        case.delete(&first).await;
    };
    let begin = tokio::time::Instant::now();
    assert_eq!(join(case.wait_and_receive(), delete).await.0, "2");
    assert!(begin.elapsed() < VISIBILITY);
}
