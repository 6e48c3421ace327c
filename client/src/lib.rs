//! The chatbot's client in Rust: what a program needs to talk to the service and to show a session
//! correctly whatever the network does.
//!
//! | module | what it does |
//! |---|---|
//! | [`rule`] | the client rule as a pure reducer: what to show, what to ask for, and when |
//! | [`account`] | the HTTP calls of one principal, with safe retries |
//! | [`tab`] | one live view of a session: tickets, the socket, reconnection, the rule |
//! | [`transport`] | how requests and sockets reach the service; HTTP and WebSocket with `net` |
//! | [`recording`] | what a tab received and showed, as data that other clients replay |
//!
//! Apart from the transport, nothing here opens a connection, reads a clock other than tokio's, or
//! draws randomness but from the generators it is given. So the same client runs against handlers in
//! memory on paused time and against a server over a network.

pub mod account;
pub mod recording;
pub mod rule;
pub mod tab;
pub mod transport;
