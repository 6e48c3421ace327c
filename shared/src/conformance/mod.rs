//! One suite per port, which every adapter must pass.
//!
//! A suite panics at the first guarantee that does not hold; the line tells which.
//! Suites let time pass with `tokio::time::sleep`: run them on paused time, or against services on real time.
#![expect(clippy::unwrap_used, reason = "these are tests, called from the tests of every adapter")]

mod documents;
mod events;
mod push;
mod queue;
mod secrets;
mod store;

pub use documents::documents;
pub use events::{Published, events};
pub use push::push;
pub use queue::queue;
pub use secrets::secrets;
pub use store::store;
