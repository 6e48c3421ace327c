//! Stories through the front door, on adapters in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a story that cannot go on has failed"
)]

mod chat;
mod config;
mod contract;
#[path = "../../../shared/tests/it/contract_files.rs"]
mod contract_files;
mod deletion;
mod documents;
mod faults;
mod feedback;
#[cfg(feature = "lambda")]
mod function;
mod history;
mod http_rules;
mod jwks;
mod jwt;
mod limits;
mod logs;
mod parsing;
mod platform;
mod properties;
mod resume;
mod rows;
mod security;
mod session_tokens;
mod sessions;
mod stop;
mod tickets;
mod world;
