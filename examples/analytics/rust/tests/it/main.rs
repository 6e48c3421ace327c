//! The consumer against the fixture that all three languages share, and against the contracts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod contracts;
mod order;
mod program;

use std::path::PathBuf;

/// Returns a folder of the examples, or of the project above them.
fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[track_caller]
fn fixture(name: &str) -> String {
    std::fs::read_to_string(folder("fixture").join(name)).unwrap()
}
