//! The open WebSockets of this process: the `Push` adapter of one machine.
//!
//! Each socket has a bounded buffer between those who push frames and the task that writes them.
//! The lock is held only to look a connection up, never across an `await`: a slow client must not
//! block pushes to others.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use shared::domain::ConnectionId;
use shared::ports::{Push, PushError};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many frames are buffered for a client that reads slowly.
///
/// When the buffer is full, `push` waits. That is the back-pressure from a slow client to the
/// worker that streams to it, which gives up on the connection after its own timeout. Without a
/// bound, one client that does not read could use up the memory of the server.
const SEND_BUFFER: usize = 64;

/// A command for the task that writes to a socket.
#[derive(Debug)]
pub(crate) enum OutboundMessage {
    Frame(String),
    Close,
}

/// The open connections and the sending half of each one's buffer.
///
/// Connection ids are random and never reused: a late push to an old connection can never reach
/// somebody else's.
#[derive(Debug, Default)]
pub struct Connections(Mutex<HashMap<ConnectionId, Sender<OutboundMessage>>>);

impl Connections {
    /// Registers a connection, and returns what its writer has to send.
    pub(crate) fn open(&self, id: ConnectionId) -> Receiver<OutboundMessage> {
        let (sender, receiver) = channel(SEND_BUFFER);
        self.lock().insert(id, sender);
        receiver
    }

    /// Counts the open sockets.
    pub fn count(&self) -> u64 {
        u64::try_from(self.lock().len()).unwrap_or(u64::MAX)
    }

    /// Forgets a connection whose socket is gone.
    pub(crate) fn closed(&self, id: &ConnectionId) {
        self.lock().remove(id);
    }

    fn sender(&self, id: &ConnectionId) -> Result<Sender<OutboundMessage>, PushError> {
        self.lock().get(id).cloned().ok_or(PushError::Gone)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Sender<OutboundMessage>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Push for Connections {
    /// Waits while the client's buffer is full; the caller decides for how long.
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let sender = self.sender(connection)?;
        // The writer drops its receiver when the socket is gone, which ends a waiting send.
        let sent = sender.send(OutboundMessage::Frame(frame.to_owned())).await;
        sent.map_err(|_| PushError::Gone)
    }

    /// Closes the connection after the frames that are already buffered.
    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        let Some(sender) = self.lock().remove(connection) else { return Ok(()) };
        // This must not wait: a full buffer means that the client does not read, and nobody would
        // ever make room for the command. Dropping the last sender ends the writer in that case.
        drop(sender.try_send(OutboundMessage::Close));
        Ok(())
    }
}
