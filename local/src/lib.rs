//! The chatbot as one process on one machine, with SQLite: the same handlers as on AWS.
//!
//! | module | contents |
//! |---|---|
//! | [`config`] | flags, environment variables, defaults |
//! | `connections` | the open WebSockets |
//! | [`documents_file`] | the file of documents that is loaded at start |
//! | [`operator`] | the operator API, its token, Prometheus metrics |
//! | `known_settings` | refuses variables that are no settings |
//! | `private_file` | files that only their owner may read |
//! | [`pump`] | calls the handlers for queue messages, as an event source mapping does |
//! | [`schedule`] | runs a job periodically |
//! | [`secrets`] | API keys from the environment, signing keys in the data directory |
//! | [`server`] | starts and stops everything |
//! | [`sqlite`] | the storage |
//! | [`web`] | HTTP, WebSockets and the chat page |

pub mod config;
mod connections;
pub mod documents_file;
mod known_settings;
pub mod operator;
mod private_file;
pub mod pump;
pub mod schedule;
pub mod secrets;
pub mod server;
pub mod sqlite;
pub mod web;
