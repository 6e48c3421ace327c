//! The same handlers in one process on one machine, on SQLite.
//!
//! | module | what it holds |
//! |---|---|
//! | [`app`] | the whole chatbot: adapters, handlers, pumps, host, in the order in which they start and stop |
//! | [`config`] | flags, variables, defaults |
//! | [`host`] | HTTP, WebSocket and the chat page |
//! | [`operator`] | the operator calls, the token for them, figures for Prometheus |
//! | `private_file` | files that nobody but their owner may read |
//! | [`pump`] | drives the handlers the way an event source mapping does |
//! | [`schedule`] | what runs every few minutes |
//! | [`secrets`] | keys from the environment, signing keys in the data directory |
//! | [`documents_file`] | the documents that the server starts with |
//! | [`sqlite`] | the storage |
//! | [`stop`] | the one signal by which every part stops |

pub mod app;
pub mod config;
pub mod documents_file;
pub mod host;
pub mod operator;
mod private_file;
pub mod pump;
pub mod schedule;
pub mod secrets;
pub mod sqlite;
pub mod stop;
