//! How requests and sockets reach the service: handlers in memory, or a server over a network.

#[cfg(feature = "net")]
mod net;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};

#[cfg(feature = "net")]
pub use self::net::HttpTransport;

/// No response arrived; the call may have been applied nevertheless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no response")]
pub struct NoResponse;

/// Why a socket did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The service refused the upgrade; the ticket cannot be used again.
    #[error("the upgrade was refused with {0}")]
    Refused(StatusCode),
    /// No response arrived; the ticket may have been used up.
    #[error("no response")]
    NoResponse,
}

/// The socket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the socket is closed")]
pub struct Closed;

/// A way to reach the service.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request, whose URI is a path with its query (`/chat`), and returns the response.
    ///
    /// Dropping the future ends the wait, but does not undo the call.
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, NoResponse>;

    /// Opens a WebSocket at `url`, as `websocket.url` names it, with a ticket.
    async fn connect(&self, url: &str, ticket: &str) -> Result<Box<dyn Socket>, ConnectError>;
}

/// An open WebSocket. Dropping it closes the connection without a closing handshake, as a network
/// failure does.
#[async_trait]
pub trait Socket: Send {
    /// Sends a frame, without waiting for its effect.
    async fn send(&mut self, frame: &str) -> Result<(), Closed>;

    /// Returns the next frame, or `None` once the socket is closed.
    ///
    /// Cancel-safe: dropping the future loses no frame.
    async fn receive(&mut self) -> Option<String>;
}
