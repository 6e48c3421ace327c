//! The way to the service: handlers in memory, or a server over HTTP and WebSocket.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};

/// No answer came; the call may have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer came")]
pub struct Lost;

/// Why a socket did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The service refused the upgrade; the ticket is not to be tried again.
    #[error("the upgrade was refused with {0}")]
    Refused(StatusCode),
    /// No answer came; the ticket may be used up.
    #[error("no answer came")]
    Lost,
}

/// The socket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the socket is closed")]
pub struct Closed;

/// The way to the service.
#[async_trait]
pub trait Edge: Send + Sync {
    /// Sends one request, whose address is a path with its query (`/chat`), and returns the answer.
    ///
    /// Dropping the future gives up the wait, not the call.
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost>;

    /// Opens a WebSocket at `url`, as `websocket.url` names it, with a ticket.
    async fn connect(&self, url: &str, ticket: &str) -> Result<Box<dyn Socket>, ConnectError>;
}

/// One open WebSocket. Dropping it closes it, as a lost connection does: without a word.
#[async_trait]
pub trait Socket: Send {
    /// Sends a frame; does not wait for what the service does with it.
    async fn send(&mut self, frame: &str) -> Result<(), Closed>;

    /// Returns the next frame, or `None` once the socket is closed.
    ///
    /// Cancel-safe: a future that is dropped has taken no frame.
    async fn receive(&mut self) -> Option<String>;
}
