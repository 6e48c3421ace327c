//! Those who use the service: each person has an account and talks in sessions, with tabs that come
//! and go.

mod conversation;
mod person;
mod stranger;

pub use conversation::{Conversation, OpenTab};
pub use person::{Person, Temper, session_key};
