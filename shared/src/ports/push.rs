//! The way to a browser.

use async_trait::async_trait;

use crate::domain::ConnectionId;

/// The largest frame, in bytes: API Gateway's 32 KB less some room.
pub const MAX_FRAME_BYTES: usize = 28 * 1024;

/// The reason why a frame did not go out.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The connection is gone for good (410).
    #[error("the connection is gone")]
    Gone,
    /// The client does not read fast enough, or the gateway throttles (429).
    #[error("the client is too slow")]
    Slow,
    /// Anything else.
    #[error("the push failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Sends text frames to WebSocket connections.
///
/// Frames of one caller to one connection arrive in the order of the calls if each is awaited.
/// A frame that was taken can still be lost: only the client rule makes delivery certain.
#[async_trait]
pub trait Push: Send + Sync {
    /// Sends one frame of at most [`MAX_FRAME_BYTES`].
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError>;

    /// Closes a connection; one that is gone already is Ok.
    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError>;
}
