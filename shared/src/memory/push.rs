//! Connections in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::domain::ConnectionId;
use crate::ports::push::MAX_FRAME_BYTES;
use crate::ports::{Push, PushError};

/// How a connection takes frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// It takes every frame.
    #[default]
    Open,
    /// It does not read: every frame is refused.
    Slow,
    /// It is gone for good.
    Gone,
}

/// Keeps the frames of each connection. A connection that was never heard of is open.
#[derive(Debug, Default)]
pub struct MemoryPush(Mutex<BTreeMap<ConnectionId, Connection>>);

#[derive(Debug, Default)]
struct Connection {
    state: ConnectionState,
    frames: Vec<String>,
}

impl MemoryPush {
    /// Knows no connection yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides how a connection takes frames from now on.
    pub fn set(&self, connection: &ConnectionId, state: ConnectionState) {
        lock(&self.0).entry(connection.clone()).or_default().state = state;
    }

    /// Returns how a connection takes frames; one that was closed is gone.
    pub fn state(&self, connection: &ConnectionId) -> ConnectionState {
        lock(&self.0).get(connection).map_or(ConnectionState::Open, |connection| connection.state)
    }

    /// Returns the frames that a connection took, in order.
    pub fn frames(&self, connection: &ConnectionId) -> Vec<String> {
        lock(&self.0).get(connection).map_or_else(Vec::new, |connection| connection.frames.clone())
    }

    /// Takes the frames that a connection took since the last call.
    pub fn take_frames(&self, connection: &ConnectionId) -> Vec<String> {
        lock(&self.0)
            .get_mut(connection)
            .map_or_else(Vec::new, |connection| std::mem::take(&mut connection.frames))
    }
}

#[async_trait]
impl Push for MemoryPush {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(PushError::Failed("the frame is larger than 28 KB".into()));
        }
        let mut connections = lock(&self.0);
        let connection = connections.entry(connection.clone()).or_default();
        match connection.state {
            ConnectionState::Open => connection.frames.push(frame.to_owned()),
            ConnectionState::Slow => return Err(PushError::Slow),
            ConnectionState::Gone => return Err(PushError::Gone),
        }
        Ok(())
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        self.set(connection, ConnectionState::Gone);
        Ok(())
    }
}
