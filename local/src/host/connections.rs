//! The open WebSockets of this process: the `Push` adapter of one machine.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use shared::domain::ConnectionId;
use shared::ports::{Push, PushError};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many frames wait for a client that reads slowly; beyond that, pushing waits too.
const BACKLOG: usize = 64;

/// What a connection's writer is told.
#[derive(Debug)]
pub(super) enum Outbound {
    Frame(String),
    Close,
}

/// Where frames for each open connection go. Names are random and never used again.
#[derive(Debug, Default)]
pub struct Connections(Mutex<HashMap<ConnectionId, Sender<Outbound>>>);

impl Connections {
    pub(super) fn open(&self, id: ConnectionId) -> Receiver<Outbound> {
        let (sender, receiver) = channel(BACKLOG);
        self.lock().insert(id, sender);
        receiver
    }

    /// Counts the open sockets.
    pub fn count(&self) -> u64 {
        u64::try_from(self.lock().len()).unwrap_or(u64::MAX)
    }

    pub(super) fn closed(&self, id: &ConnectionId) {
        self.lock().remove(id);
    }

    fn sender(&self, id: &ConnectionId) -> Result<Sender<Outbound>, PushError> {
        self.lock().get(id).cloned().ok_or(PushError::Gone)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Sender<Outbound>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Push for Connections {
    /// Waits while the client's backlog is full; the caller decides for how long.
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let sender = self.sender(connection)?;
        sender.send(Outbound::Frame(frame.to_owned())).await.map_err(|_| PushError::Gone)
    }

    /// Closes at once, whatever the backlog holds.
    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        let Some(sender) = self.lock().remove(connection) else { return Ok(()) };
        // A full backlog means that nobody reads: dropping the last sender ends the writer all the
        // same.
        drop(sender.try_send(Outbound::Close));
        Ok(())
    }
}
