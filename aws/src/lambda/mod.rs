//! The Lambda runtime: events in, responses out.
//!
//! | module | contents |
//! |---|---|
//! | [`start`] | the start of a function: logging and the handler |
//! | [`runtime`] | the event loop, with a span and a trace for each event; a failed start |
//! | [`api_gateway`] | events of API Gateway: HTTP calls, authorizer requests, WebSocket frames |
//! | [`responses`] | responses to API Gateway |
//! | [`sqs`] | SQS batches, and their failed messages |
//! | [`schedule`] | events of schedules |
//!
//! Event JSON is converted here, once; handlers see plain types. An unsupported event is rejected
//! with an error that quotes nothing of it, and is never logged.

pub mod api_gateway;
pub mod responses;
pub mod runtime;
pub mod schedule;
pub mod sqs;
pub mod start;

#[cfg(test)]
mod tests;

/// The reason why an event cannot be handled. It quotes nothing of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unsupported event: {0}")]
pub struct UnsupportedEvent(pub &'static str);
