//! The same handlers in one process on one machine, on SQLite.

pub mod sqlite;
