//! What the crate promises to others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod conformance;
mod contract_files;
mod contracts;
mod fixtures;
mod memory;
mod parsing;
mod properties;
mod samples;
mod wire;
