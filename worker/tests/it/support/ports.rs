//! The other ports with faults.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use shared::domain::{ConnectionId, DocumentId, Principal};
use shared::memory::{MemoryDocuments, MemoryPush, MemoryQueue};
use shared::ports::{
    Document, DocumentSummary, Documents, DocumentsError, OutgoingMessage, Push, PushError, Queue,
    QueueError, Receipt,
};
use tokio::time::{Instant, sleep};

use super::{Faults, Op};

pub(crate) struct FaultyQueue {
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) faults: Arc<Faults>,
}

fn away() -> QueueError {
    QueueError::Unavailable("scripted".into())
}

#[async_trait]
impl Queue for FaultyQueue {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        self.faults.around(Op::Send, self.queue.send(message), || Err(away())).await
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        let call = self.queue.change_visibility(receipt, visibility);
        self.faults.around(Op::Hide, call, || Err(away())).await
    }
}

/// A frame that a connection took.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) at: Duration,
    pub(crate) connection: ConnectionId,
    pub(crate) event: Value,
}

/// Notes when frames arrived; a connection can be made to take each of them slowly.
pub(crate) struct FaultyPush {
    pub(crate) push: Arc<MemoryPush>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) began: Instant,
    pub(crate) frames: Mutex<Vec<Frame>>,
    pub(crate) delays: Mutex<BTreeMap<ConnectionId, Duration>>,
}

#[async_trait]
impl Push for FaultyPush {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let delay = self.delays.lock().unwrap().get(connection).copied();
        let call = async {
            if let Some(delay) = delay {
                sleep(delay).await;
            }
            self.push.push(connection, frame).await?;
            let event = serde_json::from_str(frame).expect("a frame is JSON");
            let frame = Frame { at: self.began.elapsed(), connection: connection.clone(), event };
            self.frames.lock().unwrap().push(frame);
            Ok(())
        };
        self.faults.around(Op::Push, call, || Err(PushError::Failed("scripted".into()))).await
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        self.push.close(connection).await
    }
}

pub(crate) struct FaultyDocuments {
    pub(crate) documents: MemoryDocuments,
    pub(crate) faults: Arc<Faults>,
}

#[async_trait]
impl Documents for FaultyDocuments {
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        let paused = || Err(DocumentsError::Unavailable("scripted".into()));
        self.faults.around(Op::Document, self.documents.fetch(id, reader), paused).await
    }

    async fn list(&self, reader: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        self.documents.list(reader).await
    }
}
