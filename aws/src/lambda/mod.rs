//! The Lambda runtime: events in, answers out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`start`] | logging, the handler, and what Lambda is told where there is none |
//! | [`runtime`] | one event after the other, each in its span and its trace; a start that fails |
//! | [`front`] | what API Gateway sends: HTTP calls, the authorizer's question, WebSocket frames |
//! | [`answers`] | what API Gateway is answered |
//! | [`batch`] | what the queues send, and which of it failed |
//! | [`task`] | what schedules send |
//!
//! Event JSON is converted once, here: handlers see plain types.
//! An event that is none of these is refused with a sentence, and never logged.

pub mod answers;
pub mod batch;
pub mod front;
pub mod runtime;
pub mod start;
pub mod task;

#[cfg(test)]
mod tests;

/// The reason why an event cannot be handled; holds nothing of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event is none that this function knows: {0}")]
pub struct UnknownEvent(pub &'static str);
