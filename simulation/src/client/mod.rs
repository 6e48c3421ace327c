//! The clients: principals with their calls, and browser tabs that follow the client rule.
//!
//! They know the service by its [`edge`] alone, so the same clients run against handlers in memory
//! on paused time and against a server on real time. They draw no randomness but from the
//! generators that they are given.

pub mod account;
pub mod edge;
pub mod rule;
pub mod tab;
