//! What the crate promises to others.

mod conformance;
mod memory;
