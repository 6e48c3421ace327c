//! The users of the service: each has an account and chats in sessions, with tabs that come and go.

mod conversation;
mod intruder;
mod user;

pub use conversation::{Conversation, IN_CALM};
pub use user::{User, UserBehaviour, session_key};
