//! Provisional text to the connected clients, and the checkpoint once a second.
//!
//! Everything here runs inside the worker's own future. No task outlives a delivery, so dropping
//! the future has the same effect as a crash, which the turn protocol survives.
//!
//! Nothing here is needed for correctness: clients get the whole text with the final. What matters
//! is that a client is never shown text that is later contradicted without a higher generation.

mod subscriber;
mod subscribers;
mod turn_streamer;

pub(crate) use turn_streamer::{Interrupt, TurnStreamer};
