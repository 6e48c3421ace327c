//! The WebSocket: who may connect, `resume`, the end of a connection.

mod authorize;
mod disconnect;
mod frame;
mod resume;

pub use authorize::{AuthorizeError, SocketSession};
