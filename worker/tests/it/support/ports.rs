//! Connections that note when frames arrived.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use shared::domain::ConnectionId;
use shared::memory::MemoryPush;
use shared::ports::{Push, PushError};
use tokio::time::{Instant, sleep};

/// A frame that a connection took.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) at: Duration,
    pub(crate) connection: ConnectionId,
    pub(crate) event: Value,
}

/// Notes when frames arrived; a connection can be made to take each of them slowly.
pub(crate) struct RecordingPush {
    pub(crate) push: Arc<MemoryPush>,
    pub(crate) began: Instant,
    pub(crate) frames: Mutex<Vec<Frame>>,
    pub(crate) delays: Mutex<BTreeMap<ConnectionId, Duration>>,
}

#[async_trait]
impl Push for RecordingPush {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let delay = self.delays.lock().unwrap().get(connection).copied();
        if let Some(delay) = delay {
            sleep(delay).await;
        }
        self.push.push(connection, frame).await?;
        let event = serde_json::from_str(frame).expect("a frame is JSON");
        let frame = Frame { at: self.began.elapsed(), connection: connection.clone(), event };
        self.frames.lock().unwrap().push(frame);
        Ok(())
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        self.push.close(connection).await
    }
}
