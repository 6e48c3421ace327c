//! One final: push it, emit the analytics event, mark it delivered. The cleanup lives here too.
//!
//! | module | what it does |
//! |---|---|
//! | [`handler`] | one delivery from the queue of replies |
//! | [`config`] | the settings |
//! | [`delivery`] | a final on its way to browsers, to the event bus, and to its last state |
//! | [`push`] | a frame to every connection of a session |
//! | [`emit`] | events, retried for at most two seconds |
//! | [`feedback`] | a user's verdict, as an event |
//! | [`batch`] | ten deliveries at once: groups in parallel, one group in order |
//! | [`cleanup`] | what nobody else finishes: abandoned turns, undelivered finals, dead sessions |

pub mod batch;
pub mod cleanup;
pub mod config;
pub mod delivery;
pub mod emit;
pub mod feedback;
pub mod handler;
pub mod push;

mod error;

pub use config::NotifierConfig;
pub use error::NotifierError;
pub use handler::{Notifier, Ports};
