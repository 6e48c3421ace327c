//! Provisional text to whoever watches, and the checkpoint once a second.
//!
//! Everything here runs inside the worker's own future: no task outlives a delivery, and dropping
//! the future is a crash that the protocol survives.

mod attendant;
mod audience;
mod listener;

pub(crate) use attendant::{Attendant, Interrupt};
